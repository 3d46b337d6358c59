-p tcp -m osf --genre Linux ; = ; OK ; OS fingerprint match Linux
-p tcp -m osf ! --genre Linux ; = ; OK ; OS fingerprint match ! Linux
-p tcp -m osf --genre linux --ttl 0 ; = ; OK ; OS fingerprint match linux
-p tcp -m osf --genre Windows --ttl 1 --log 2 ; = ; OK ; OS fingerprint match Windows
-p tcp -m osf --genre FreeBSD --ttl 2 --log 0 ; = ; OK ; OS fingerprint match FreeBSD
-p tcp -m osf --genre foo --log 1 ; = ; OK ; OS fingerprint match foo
-p tcp -m osf --genre foo --ttl 3 ;  ; FAIL osf: bad value for option "--ttl", or out of range (0-2).
-p tcp -m osf --genre foo --log 3 ;  ; FAIL osf: bad value for option "--log", or out of range (0-2).
-p tcp -m osf --genre abcdefghijklmnopqrstuvwxyz0123456789 ; -p tcp -m osf --genre abcdefghijklmnopqrstuvwxyz01234 ; OK ; OS fingerprint match abcdefghijklmnopqrstuvwxyz01234
-p tcp -m osf ;  ; FAIL osf: option "--genre" must be specified
-p tcp -m osf --ttl 1 ;  ; FAIL osf: option "--genre" must be specified
-p tcp -m osf --genre a --genre b ;  ; FAIL osf: option "--genre" can only be used once.
-m osf --genre Linux ;  ; KERNEL x_tables: ip_tables: osf match: only valid for protocol 6
-p udp -m osf --genre Linux ;  ; KERNEL x_tables: ip_tables: osf match: only valid for protocol 6
:OUTPUT
-p tcp -m osf --genre Linux ;  ; KERNEL x_tables: ip_tables: osf match: used from hooks OUTPUT, but only valid from PREROUTING/INPUT/FORWARD
:FORWARD
-p tcp -m osf --genre Linux ; = ; OK ; OS fingerprint match Linux
