# Text tools: sort, uniq, awk, sed, grep, cut, tr, paste, join, printf, expr, bc, dc, cal, date.
awk 'BEGIN {srand(42); for (i = 0; i < 3000; i++) print int(i * 7919 % 1009), "k" i % 13, i / 7}' > data
sort -n data | head -n 5; sort -k2,2 -k1,1nr data | tail -n 5; sort -u -k2,2 data | wc -l; cut -d' ' -f2 data | sort | uniq -c | sort -rn | head -n 3
awk '{sum[$2] += $1; n[$2]++} END {for (k in sum) printf "%s %.3f %d\n", k, sum[k] / n[k], n[k]}' data | sort
awk 'BEGIN {printf "%.10g %e %d %s\n", 355 / 113, 1e300 * 10, 2147483647, substr("abcdef", 2, 3)}'
awk 'BEGIN {for (i = 0; i < 30000; i++) x = (x * 31 + i) % 65521; print x; print length("four"), index("hay", "y"), toupper("up"); split("a:b:c", p, ":"); print p[2]}'
sed -n -e 's/\([0-9]*\) k\([0-9]*\).*/\2:\1/p' data | head -n 3; sed -e '7,90d' -e 's/k/K/g' data | md5sum; echo hello | sed 'y/abcdefgh/ABCDEFGH/; s/L/l/2; G'
grep -c k1 data; grep -E '^(1|2)[0-9]{2} ' data | wc -l; grep -v k data | wc -l; grep -n -m2 k7 data; echo AbC | grep -io b
tr -dc 'a-z' < data | wc -c; echo 'hello world' | tr 'a-y' 'b-z' | rev; paste -d, data data | head -n 1; fold -w 7 data | head -n 3; nl data | tail -n 1
expr 17 \* 3 + 4; expr abcdef : 'abc\(.*\)'; printf '%05d|%-6s|%x|%c|%.2f\n' 42 ab 255 z 3.14159
echo 'scale=30; 2/3; sqrt(2); 2^100' | bc; echo '2 3 + 4 * p' | dc
date -u -d @1234567890 '+%Y-%m-%d %H:%M:%S %a %j'; date -u -d '2024-02-29 12:00' +%s; cal 2 2024
head -c 100000 /dev/zero | tr '\0' x | md5sum; seq 1 5000 | sha1sum; seq 1 5000 | sha256sum; seq 1 5000 | sha512sum; seq 1 5000 | crc32
strings /proc/self/exe | grep -c BusyBox > count; [ "$(cat count)" -gt 0 ] && echo strings; seq -w 8 11; tac data | head -n 1; hexdump -C data | head -n 2; od -A d -t x1 data | sed -n 3p
basename /a/b.c .c; dirname /a/b.c; env | grep '^TZ'; echo 'a,b;c' | awk -F'[,;]' '{print $3 $1}'; base64 data | head -n 1; base64 data | base64 -d | cmp - data && echo base64; uuencode -m data x | tail -n 2
