:OUTPUT
-m owner --uid-owner 0 ; = ; OK ; owner UID match 0
-m owner --uid-owner root ; -m owner --uid-owner 0 ; OK ; owner UID match 0
-m owner --uid-owner 0-10 ; = ; OK ; owner UID match 0-10
-m owner --uid-owner 1:10 ; -m owner --uid-owner 1-10 ; OK ; owner UID match 1-10
-m owner --gid-owner 0 ; = ; OK ; owner GID match 0
-m owner --gid-owner 0-10 ; = ; OK ; owner GID match 0-10
-m owner ! --uid-owner 0 ; = ; OK ; ! owner UID match 0
-m owner ! --gid-owner 0-10 ; = ; OK ; ! owner GID match 0-10
-m owner --socket-exists ; = ; OK ; owner socket exists
-m owner ! --socket-exists ; = ; OK ; ! owner socket exists
-m owner --uid-owner 0-10 --gid-owner 0-10 ; = ; OK ; owner UID match 0-10 owner GID match 0-10
-m owner --uid-owner 0 ! --gid-owner 5 --socket-exists ; -m owner --socket-exists --uid-owner 0 ! --gid-owner 5 ; OK ; owner socket exists owner UID match 0 ! owner GID match 5
-m owner --gid-owner 5 --suppl-groups ; = ; OK ; owner GID match 5 incl. suppl. groups
-m owner --suppl-groups ;  ; FAIL owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first"
-m owner --uid-owner 0 --suppl-groups ;  ; FAIL owner: Bad value for "--suppl-groups" option: "you need to use --gid-owner first"
-m owner --uid-owner 10-0 ;  ; KERNEL xt_owner: the range of ids is reversed
-m owner --uid-owner 0- ;  ; FAIL owner: Bad value for "--uid-owner" option: "0-"
-m owner --uid-owner -5 ;  ; FAIL owner: Bad value for "--uid-owner" option: "-5"
-m owner --uid-owner foo ;  ; FAIL owner: Bad value for "--uid-owner" option: "foo"
-m owner --gid-owner foo ;  ; FAIL owner: Bad value for "--gid-owner" option: "foo"
-m owner --uid-owner 4294967295 ;  ; FAIL owner: Bad value for "--uid-owner" option: "4294967295"
-m owner --uid-owner 4294967294 ; = ; OK ; owner UID match 4294967294
-m owner --uid-owner 4294967296 ;  ; FAIL owner: Bad value for "--uid-owner" option: "4294967296"
-m owner --uid-owner 0 --uid-owner 1 ;  ; FAIL owner: option "--uid-owner" can only be used once.
-m owner --uid-owner 0-4294967294 ; = ; OK ; owner UID match 0-4294967294
-m owner ;  ; FAIL owner: At least one of --uid-owner, --gid-owner or --socket-exists is required
:INPUT
-m owner --uid-owner 0 ;  ; KERNEL x_tables: ip_tables: owner match: used from hooks INPUT, but only valid from OUTPUT/POSTROUTING
:FORWARD
-m owner --uid-owner 0 ;  ; KERNEL x_tables: ip_tables: owner match: used from hooks FORWARD, but only valid from OUTPUT/POSTROUTING
*mangle
:POSTROUTING
-m owner --uid-owner 0 ; = ; OK ; owner UID match 0
:PREROUTING
-m owner --uid-owner 0 ;  ; KERNEL x_tables: ip_tables: owner match: used from hooks PREROUTING, but only valid from OUTPUT/POSTROUTING
%6
*filter
:OUTPUT
-m owner --uid-owner 0 ; = ; OK ; owner UID match 0
