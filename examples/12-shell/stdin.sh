# SPDX-License-Identifier: MIT
# shellcheck shell=sh
cat <<'END'
echo hello
ls /no/such/place 2>&1 | wc -l
exit 3
kill -TERM $$
END
