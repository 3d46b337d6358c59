# Accounting objects that exist:
@foo bar aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
-m nfacct ;  ; FAIL nfacct: option "--nfacct-name" must be specified
-m nfacct --nfacct-name foo ; -m nfacct --nfacct-name  foo ; OK ; nfacct-name  foo
-p tcp -m nfacct --nfacct-name "bar" -m comment --comment x ; -p tcp -m nfacct --nfacct-name  bar -m comment --comment x ; OK ; nfacct-name  bar /* x */
-m nfacct --nfacct-name aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ; -m nfacct --nfacct-name  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ; OK ; nfacct-name  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
-m nfacct ! --nfacct-name foo ;  ; FAIL nfacct: option "--nfacct-name" cannot be inverted.
-m nfacct --nfacct-name foo --nfacct-name bar ;  ; FAIL nfacct: option "--nfacct-name" can only be used once.
-m nfacct --nfacct-name "" ;  ; FAIL Argument must have a minimum length of 1 characters
%6
-m nfacct --nfacct-name foo ; -m nfacct --nfacct-name  foo ; OK ; nfacct-name  foo
