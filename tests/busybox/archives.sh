# tar, gzip, bzip2, xz, cpio and their checksums.
mkdir tree; for i in 1 2 3 4 5; do seq $i 3000 > tree/f$i; done; ln -s f1 tree/link; mkdir tree/sub; echo deep > tree/sub/x
touch -d '2010-01-01 00:00:00' tree/* tree/sub/x tree 2>/dev/null
tar cf all.tar tree; tar tf all.tar | sort; mkdir out; tar xf all.tar -C out; diff -r tree out/tree && echo same
gzip -c all.tar > all.tar.gz; gunzip -c all.tar.gz | cmp - all.tar && echo gzip; gzip -t all.tar.gz && echo tested
tar czf z.tgz tree; tar tzf z.tgz | wc -l; tar xzOf z.tgz tree/sub/x
bzip2 -k tree/f1; bunzip2 -c tree/f1.bz2 | md5sum; md5sum tree/f1 | cut -d' ' -f1
cat tree/* 2>/dev/null | gzip -9 | gunzip | wc -c
(cd tree; find . -type f | sort | cpio -o -H newc 2>/dev/null) > c.cpio; mkdir c; (cd c; cpio -idm 2>/dev/null < ../c.cpio; find . | sort)
md5sum tree/f2 tree/f3 > sums; md5sum -c sums; echo x >> tree/f2; md5sum -c sums 2>/dev/null; echo "status $?"
head -c 3000000 /dev/zero | gzip | wc -c
