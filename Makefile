# A thin front over Meson: every target installs what is missing, builds, and calls one script.
PREFIX ?= /usr/local
DESTDIR ?=
FUZZ_SECONDS ?= 60
BUILD := build

.PHONY: all build programs demo run bench check fuzz install deb clean

all: build

build:
	@tools/install-deps.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD)

# What a demo needs: no tests.
programs:
	@tools/install-deps.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX)
	@ninja -C $(BUILD) dnspushd dnspush

demo: programs
	@tools/install-deps.sh demo
	@tools/demo.sh

run: programs
	@tools/install-deps.sh demo
	@tools/run.sh

bench: programs
	@tools/install-deps.sh bench
	@bench/run.sh

check:
	@tools/check.sh

fuzz:
	@tools/install-deps.sh test
	@tools/fuzz.sh $(FUZZ_SECONDS)

install:
	@tools/install-deps.sh build
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD)
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(BUILD)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild

deb:
	@tools/install-deps.sh build
	@tools/install-deps.sh deb
	@tools/deb.sh

clean:
	rm -rf $(BUILD) build-asan build-tsan build-fuzz
