# SPDX-License-Identifier: GPL-2.0
#
# Linux Provenance Modules.  `make help` lists the targets.  All products are below build/.

TOP     := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
BUILD   := $(TOP)/build
KERNEL  ?= 6.12
VARIANT ?= provmon
STAMPS  := $(BUILD)/stamps

MAKEFLAGS += --no-print-directory
# OUT= and the like are for our own rules: the kernel's and the tools' have variables of these names.
MAKEOVERRIDES :=
.DELETE_ON_ERROR:
.SUFFIXES:
# Stages that share build/ must not run over each other: each rule takes its lock.
LOCK = mkdir -p $(STAMPS) && flock $(STAMPS)/$(1).lock

.PHONY: all help clean distclean
all: kernel tools

include $(sort $(wildcard $(TOP)/scripts/make/*.mk))

help:
	@sed -n -E 's/^## ?//p' $(sort $(wildcard $(TOP)/scripts/make/*.mk))

clean:
	rm -rf $(filter-out $(BUILD)/ccache $(BUILD)/guest,$(wildcard $(BUILD)/*))

distclean:
	rm -rf $(BUILD)
