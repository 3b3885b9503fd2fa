# SPDX-License-Identifier: GPL-2.0
## make test                everything that CI runs (STAGES="name ..." runs some of it)
## make test-full           make test, and what takes longer
## make soak                load a debug kernel for an hour, and see what it says
##                          [VARIANT=debug|kcsan] [MINUTES=60] [SEED=N]
## make bench MICRO=1       what recording costs, in guest instructions; writes build/bench

.PHONY: test test-full soak bench

test: $(DEPS)
	@$(TOP)/scripts/test $(BUILD) $(TOP)/scripts/test-stages $(STAGES)

test-full: $(DEPS)
	@$(TOP)/scripts/test $(BUILD) $(TOP)/scripts/test-stages $(TOP)/scripts/test-stages-full $(STAGES)

SOAK_VARIANT := $(if $(filter command line environment,$(origin VARIANT)),$(VARIANT),debug)

soak: $(call kernel_of,$(SOAK_VARIANT)) $(IMAGE) tools
	@BUILD=$(BUILD) VARIANT=$(SOAK_VARIANT) MINUTES=$(MINUTES) SEED=$(SEED) OUT= $(TOP)/tests/soak/run

bench: $(DEPS)
	@$(MAKE) kernel KERNEL=$(KERNEL) VARIANT=vanilla
	@$(MAKE) kernel KERNEL=$(KERNEL) VARIANT=provmon
	@BUILD=$(BUILD) $(TOP)/scripts/bench
