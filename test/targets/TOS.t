*mangle
:FORWARD
-j TOS ;  ; FAIL TOS: An action is required
-j TOS --set-tos 0x10 ; -j TOS --set-tos 0x10/0xff ; OK ; TOS set 0x10/0xff
-j TOS --set-tos 16 ; -j TOS --set-tos 0x10/0xff ; OK ; TOS set 0x10/0xff
-j TOS --set-tos Minimize-Delay ; -j TOS --set-tos 0x10/0x3f ; OK ; TOS set 0x10/0x3f
-j TOS --set-tos minimize-delay ; -j TOS --set-tos 0x10/0x3f ; OK ; TOS set 0x10/0x3f
-j TOS --set-tos Foo ;  ; FAIL Symbolic name "Foo" is unknown
-j TOS --set-tos 0x10/0x1f ; = ; OK ; TOS set 0x10/0x1f
-j TOS --set-tos 0x10/0xff ; = ; OK ; TOS set 0x10/0xff
-j TOS --set-tos 0x10/0x3f ; = ; OK ; TOS set 0x10/0x3f
-j TOS --set-tos 0xff ; -j TOS --set-tos 0xff/0xff ; OK ; TOS set 0xff/0xff
-j TOS --set-tos 256 ;  ; FAIL Symbolic name "256" is unknown
-j TOS --set-tos 0x1/300 ;  ; FAIL Illegal value: "0x1/300"
-j TOS --and-tos 0x12 ; -j TOS --set-tos 0x00/0xed ; OK ; TOS set 0x00/0xed
-j TOS --or-tos 0x12 ; -j TOS --set-tos 0x12/0x12 ; OK ; TOS set 0x12/0x12
-j TOS --xor-tos 0x12 ; -j TOS --set-tos 0x12/0x00 ; OK ; TOS set 0x12/0x00
-j TOS --and-tos 0x12 --or-tos 4 ;  ; FAIL TOS: option "--and-tos" cannot be used together with "--or-tos".
-j TOS --set-tos 1 --or-tos 4 ;  ; FAIL TOS: option "--set-tos" cannot be used together with "--or-tos".
-j TOS --and-tos 256 ;  ; FAIL TOS: bad value for option "--and-tos", or out of range (0-255).
-j TOS --set-tos Normal-Service ; -j TOS --set-tos 0x00/0x3f ; OK ; TOS set 0x00/0x3f
-j TOS --set-tos 0/0 ; -j TOS --set-tos 0x00/0x00 ; OK ; TOS set 0x00/0x00
-j TOS --or-tos 0 ; -j TOS --set-tos 0x00/0x00 ; OK ; TOS set 0x00/0x00
-j TOS --and-tos 0xff ; -j TOS --set-tos 0x00/0x00 ; OK ; TOS set 0x00/0x00
-j TOS ! --set-tos 1 ;  ; FAIL TOS: option "--set-tos" cannot be inverted.
-j TOS --set-tos 0x3f/0x3f ; = ; OK ; TOS set 0x3f/0x3f
-j TOS --set-tos 0x10/x ;  ; FAIL Illegal value: "0x10/x"
*filter
-j TOS --set-tos 0x10 ;  ; KERNEL x_tables: ip_tables: TOS target: only valid in mangle table, not filter
%6
*mangle
-j TOS --set-tos 4 ; -j TOS --set-tos 0x04/0xff ; OK ; TOS set 0x04/0xff
