# Loops, arithmetic, functions, parameters, patterns, here-documents.
i=0
while [ $i -lt 200 ]; do i=$((i + 1)); [ $((i % 50)) -eq 0 ] && echo "at $i"; done
for word in one two 'three four'; do printf '<%s>' "$word"; done; echo
fact() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(fact $(($1 - 1))))); fi; }
fact 10
until [ $i -le 190 ]; do i=$((i - 1)); done; echo $i
case $i in 1[0-9]?) echo pattern ;; *) echo other ;; esac
text=path/to/file.tar.gz
echo "${text##*/} ${text%%.*} ${#text} ${text%.gz} ${none:-default} ${text/to/from}"
set -- a b c; shift; echo "$# $* $1"
cat <<END
here $((6 * 7)) $(echo nested $(echo deeper))
END
(exit 7); echo "status $?"
false || true && echo chained
n=0; for a in 1 2 3; do for b in 1 2 3; do [ $b = 2 ] && continue; [ $a = 3 ] && break 2; n=$((n + a * b)); done; done; echo $n
echo $((0x1f + 010 - (3 << 4) % 7)) $((-7 / 2)) $((9223372036854775807))
exit 3
