# Files and folders: ls, find, stat, cp, mv, ln, chmod, du, touch, dd, cmp, diff, od.
umask 022
mkdir -p a/b/c a/d; echo hello > a/b/file; cp a/b/file a/d/copy; ln -s b/file a/link; ln a/b/file a/hard
touch -d '2001-02-03 04:05:06' a/b/file a/d/copy a/d a/b a; chmod 600 a/d/copy; chmod u+s,o-r a/b/file
touch -h -d '2001-02-03 04:05:06' a/link; touch -d '2001-02-03 04:05:06' a/b/c a/b a
ls a a/b; ls -l a/b/file a/d/copy | awk '{print $1, $2, $5, $6, $7, $8, $9}'; ls -lR a | awk '/^[-dl]/ {print $1, $2, $9, $10, $11}'
find a | sort; find a -type f -size -2 | sort; find a -name 'c*' -exec echo found {} \; | sort; find a -type d -mtime +100 | sort
stat -c '%n %s %a %F %h %Y' a/b/file a/link
readlink a/link; realpath a/link | sed 's|.*/||'; test -L a/link && echo link; test -d a/b && echo folder; [ a/b/file -ef a/hard ] && echo same
dd if=/dev/zero of=zeros bs=1000 count=7 2>/dev/null; wc -c zeros; cmp zeros a/hard; dd if=zeros bs=1 skip=10 count=5 2>/dev/null | od -c
printf 'a\nb\nc\n' > x; printf 'a\nB\nc\nd\n' > y; diff x y; diff -u x y | tail -n +3
mv a/d e; rm -r a/b/c; ls a e; rmdir e; echo "rmdir: $?"; rm -rf e a; ls
du -k zeros | awk '{print ($1 >= 4)}'; df . | awk 'NR == 2 {print (NF >= 5)}'
seq 1 2000 > big; head -n 500 big | cmp - big 2>&1 | sed "s|on.*||"
truncate -s 5G sparse; ls -l sparse | awk '{print $5}'
