# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# A person who thinks before they type.
sleep 1
echo Ada
