# SPDX-License-Identifier: GPL-2.0
LIBS_provq :=
