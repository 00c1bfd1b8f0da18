#!/usr/bin/python3
"""Write doc/conformance.md: every requirement, and the tests that prove it or the reason why there is none.

Requirements come from ../shared/spec where that folder is there, else from doc/requirements.tsv, which is made from
it (--requirements). A test proves a requirement by naming its ID (DSO-036, PUSH-017). Requirements that nothing proves
need a line in doc/conformance-reasons.tsv: a pattern of IDs, a tab, the reason.

  conformance.py                 write doc/conformance.md
  conformance.py --check         fail if it is stale, or a requirement has neither test nor reason
  conformance.py --requirements  write doc/requirements.tsv from the specification
"""
import fnmatch
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPEC = ROOT.parent / "shared" / "spec"
SPEC_FILES = ("dso.md", "push.md")
REQUIREMENTS = ROOT / "doc" / "requirements.tsv"
REASONS = ROOT / "doc" / "conformance-reasons.tsv"
TABLE = ROOT / "doc" / "conformance.md"
ROW = re.compile(r"^\| ((?:DSO|PUSH)-\d{3}) \|([^|]*)\|([^|]*)\|((?:[^|\\]|\\.)*)\|")
NAMED = re.compile(r"(?<![A-Za-z0-9])(DSO|PUSH)[-_](\d{3})(?![0-9])", re.IGNORECASE)
TEST_KINDS = {".c", ".h", ".py", ".sh", ".scn", ".txt"}


def from_specification():
    rows = []
    for name in SPEC_FILES:
        for line in (SPEC / name).read_text(encoding="utf-8").splitlines():
            found = ROW.match(line)
            if found:
                rows.append([part.strip() for part in found.groups()])
    return rows


def requirements():
    if all((SPEC / name).exists() for name in SPEC_FILES):
        return from_specification()
    lines = REQUIREMENTS.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def reasons():
    pairs = []
    for number, line in enumerate(REASONS.read_text(encoding="utf-8").splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        pattern, tab, reason = line.partition("\t")
        if not tab or not reason.strip():
            sys.exit(f"{REASONS.relative_to(ROOT)}:{number}: expected an ID pattern, a tab and a reason")
        pairs.append((pattern, reason.strip(), number))
    return pairs


def proofs():
    """ID -> test files that name it."""
    named = {}
    for path in sorted((ROOT / "tests").rglob("*")):
        if not path.is_file() or path.suffix not in TEST_KINDS:
            continue
        for found in NAMED.finditer(path.read_text(encoding="utf-8", errors="replace")):
            named.setdefault(f"{found[1].upper()}-{found[2]}", set()).add(path.relative_to(ROOT / "tests").as_posix())
    return named


def build():
    """The text of the table, and what is wrong."""
    rows, named, why = requirements(), proofs(), reasons()
    known = {row[0] for row in rows}
    faults = [f"{', '.join(sorted(files))}: names {name}, which is no requirement"
              for name, files in sorted(named.items()) if name not in known]
    used = set()
    body, proven = [], 0
    for name, level, role, text in rows:
        files = sorted(named.get(name, ()))
        matching = [(reason, number) for pattern, reason, number in why if fnmatch.fnmatchcase(name, pattern)]
        if files:
            proven += 1
            proof = ", ".join(f"`{file}`" for file in files)
        elif matching:
            proof = "— " + matching[0][0]
            used.add(matching[0][1])
        else:
            proof = "**nothing yet**"
            faults.append(f"{name}: no test names it and doc/conformance-reasons.tsv gives no reason")
        body.append(f"| {name} | {level} | {role} | {text} | {proof} |")
    head = [
        "# Conformance",
        "",
        "Made by `tools/conformance.py`; do not edit. Each requirement of RFC 8490 (DSO) and RFC 8765 (PUSH) with the",
        "files under `tests/` that prove it, or the reason why none does.",
        "",
        f"{proven} of {len(rows)} requirements are proven by tests.",
        "",
        "| ID | level | role | requirement | proven by |",
        "|---|---|---|---|---|",
    ]
    return "\n".join(head + body) + "\n", faults


def write_requirements():
    lines = ["# ID, level, role, requirement: made by tools/conformance.py --requirements"]
    lines += ["\t".join(row) for row in from_specification()]
    REQUIREMENTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main(arguments):
    if arguments == ["--requirements"]:
        write_requirements()
        return 0
    text, faults = build()
    if arguments == ["--check"]:
        if not TABLE.exists() or TABLE.read_text(encoding="utf-8") != text:
            faults.append("doc/conformance.md is stale: run tools/conformance.py")
    elif not arguments:
        TABLE.write_text(text, encoding="utf-8")
    else:
        print(__doc__, file=sys.stderr)
        return 2
    for fault in faults:
        print(f"conformance.py: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
