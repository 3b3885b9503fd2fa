# SPDX-License-Identifier: GPL-2.0
LIBS_provctl := -lnl-genl-3 -lnl-3
