# What needs no set to be there; the rest is in test/ipset/rules.t, judged with sets.
-j SET ;  ; FAIL You must specify either `--add-set' or `--del-set' or `--map-set'
-j SET --map-mark ;  ; FAIL You must specify either `--add-set' or `--del-set' or `--map-set'
-j SET --exist ;  ; FAIL You must specify either `--add-set' or `--del-set' or `--map-set'
-j SET --add-set ip4 ;  ; FAIL --add-set requires two args.
-j SET --del-set ip4 -src ;  ; FAIL --del-set requires two args.
-j SET --map-set ip4 ;  ; FAIL --map-set requires two args.
-j SET --timeout x ;  ; FAIL Invalid value for option --timeout or out of range 0-4294967294
-j SET --timeout 4294967295 ;  ; FAIL Invalid value for option --timeout or out of range 0-4294967294
-j SET --add-set aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa src ;  ; FAIL setname `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' too long, max 31 characters.
