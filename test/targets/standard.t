:INPUT
-j ACCEPT ; = ; OK ;
-j DROP ; = ; OK ;
-j QUEUE ; = ; OK ;
-j RETURN ; = ; OK ;
-j FOO ; = ; OK ;
-g FOO ; = ; OK ; [goto]
-p tcp -j FOO ; = ; OK ;
-j accept ;  ; FAIL Couldn't load target `accept':No such file or directory
-j ACCEPT --foo ;  ; FAIL unknown option "--foo"
-j ACCEPT extra ;  ; FAIL Bad argument `extra'
-j FOO -j ACCEPT ;  ; FAIL multiple -j flags not allowed
-j FOO -g FOO ;  ; FAIL multiple -j flags not allowed
-g FOO -j FOO ;  ; FAIL multiple -j flags not allowed
-g ACCEPT ;  ; FAIL goto 'ACCEPT' is not a chain
-j BAR ;  ; FAIL Couldn't load target `BAR':No such file or directory
-g BAR ;  ; FAIL goto 'BAR' is not a chain
-j INPUT ;  ; LIBIPTC Target problem
-j OUTPUT ;  ; LIBIPTC Target problem
-j "" ;  ; FAIL Invalid target name (too short)
-j CONTINUE ;  ; FAIL Couldn't load target `CONTINUE':No such file or directory
-j averyveryverylongchainname1234567 ;  ; FAIL Invalid target name `averyveryverylongchainname1234567' (28 chars max)
! -j ACCEPT ;  ; FAIL cannot have ! before -j
*nat
:PREROUTING
-j ACCEPT ; = ; OK ;
-j DROP ;  ; FAIL The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.
-p tcp -j DROP ;  ; FAIL The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.
-j QUEUE ; = ; OK ;
%6
*filter
:INPUT
-j ACCEPT ; = ; OK ;
-g FOO ; = ; OK ; [goto]
