*mangle
:FORWARD
-j DSCP ;  ; FAIL DSCP target: Parameter --set-dscp is required
-j DSCP --set-dscp 0 ; -j DSCP --set-dscp 0x00 ; OK ; DSCP set 0x00
-j DSCP --set-dscp 63 ; -j DSCP --set-dscp 0x3f ; OK ; DSCP set 0x3f
-j DSCP --set-dscp 64 ;  ; FAIL DSCP: bad value for option "--set-dscp", or out of range (0-63).
-j DSCP --set-dscp 0x0a ; = ; OK ; DSCP set 0x0a
-j DSCP --set-dscp-class EF ; -j DSCP --set-dscp 0x2e ; OK ; DSCP set 0x2e
-j DSCP --set-dscp-class ef ; -j DSCP --set-dscp 0x2e ; OK ; DSCP set 0x2e
-j DSCP --set-dscp-class cs1 ; -j DSCP --set-dscp 0x08 ; OK ; DSCP set 0x08
-j DSCP --set-dscp-class AF41 ; -j DSCP --set-dscp 0x22 ; OK ; DSCP set 0x22
-j DSCP --set-dscp-class BE ; -j DSCP --set-dscp 0x00 ; OK ; DSCP set 0x00
-j DSCP --set-dscp-class VA ;  ; FAIL Invalid DSCP value `VA'
-j DSCP --set-dscp-class LE ;  ; FAIL Invalid DSCP value `LE'
-j DSCP --set-dscp-class foo ;  ; FAIL Invalid DSCP value `foo'
-j DSCP --set-dscp 1 --set-dscp-class EF ;  ; FAIL DSCP: option "--set-dscp" cannot be used together with "--set-dscp-class".
*filter
-j DSCP --set-dscp 1 ;  ; KERNEL x_tables: ip_tables: DSCP target: only valid in mangle table, not filter
*mangle
-j DSCP --set-dscp-class "" ;  ; FAIL Invalid DSCP value `'
