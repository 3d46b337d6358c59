:FORWARD
-m realm ;  ; FAIL realm: option "--realm" must be specified
-m realm --realm 1 ; -m realm --realm 0x1 ; OK ; realm 0x1
-m realm ! --realm 1 ; -m realm ! --realm 0x1 ; OK ; ! realm 0x1
-m realm --realm 1/3 ; -m realm --realm 0x1/0x3 ; OK ; realm 0x1/0x3
-m realm --realm 0x10/0xff ; = ; OK ; realm 0x10/0xff
-m realm --realm x ;  ; FAIL realm: could not map name x to an integer value for option "--realm".
-m realm --realm cosmos ; = ; OK ; realm 0x0
-m realm --realm 1/x ;  ; FAIL realm: bad integer value for option "--realm", or out of range.
-m realm --realm 4294967295 ; -m realm --realm 0xffffffff ; OK ; realm 0xffffffff
*mangle
:PREROUTING
-m realm --realm 1 ;  ; KERNEL x_tables: ip_tables: realm match: used from hooks PREROUTING, but only valid from INPUT/FORWARD/OUTPUT/POSTROUTING
*filter
:FORWARD
-m realm --realm 0 ; -m realm --realm cosmos ; OK ; realm 0x0
