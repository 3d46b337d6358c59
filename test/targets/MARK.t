*mangle
:INPUT
-j MARK --set-mark 1 ; -j MARK --set-xmark 0x1/0xffffffff ; OK ; MARK set 0x1
-j MARK --set-mark 1/2 ; -j MARK --set-xmark 0x1/0x3 ; OK ; MARK xset 0x1/0x3
-j MARK --set-xmark 0x1/0xff ; = ; OK ; MARK xset 0x1/0xff
-j MARK --set-xmark 0x1 ; -j MARK --set-xmark 0x1/0xffffffff ; OK ; MARK set 0x1
-j MARK --set-xmark 0x0/0x0 ; = ; OK ; MARK and 0xffffffff
-j MARK --set-xmark 0xff/0xff ; = ; OK ; MARK or 0xff
-j MARK --and-mark 0xff ; -j MARK --set-xmark 0x0/0xffffff00 ; OK ; MARK and 0xff
-j MARK --or-mark 0xff ; -j MARK --set-xmark 0xff/0xff ; OK ; MARK or 0xff
-j MARK --xor-mark 0xff ; -j MARK --set-xmark 0xff/0x0 ; OK ; MARK xor 0xff
-j MARK --and-mark 0 ; -j MARK --set-xmark 0x0/0xffffffff ; OK ; MARK and 0x0
-j MARK --or-mark 0 ; -j MARK --set-xmark 0x0/0x0 ; OK ; MARK and 0xffffffff
-j MARK --set-mark 0 ; -j MARK --set-xmark 0x0/0xffffffff ; OK ; MARK and 0x0
-j MARK --set 1 ;  ; FAIL unknown option "--set"
-j MARK --set-m 1 ; -j MARK --set-xmark 0x1/0xffffffff ; OK ; MARK set 0x1
-j MARK ;  ; FAIL MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required
-j MARK --or-mark 0xff --and-mark 1 ;  ; FAIL MARK: option "--and-mark" cannot be used together with "--or-mark".
-j MARK --set-mark 1 --set-xmark 1 ;  ; FAIL MARK: option "--set-xmark" cannot be used together with "--set-mark".
-j MARK --set-mark foo ;  ; FAIL MARK: bad integer value for option "--set-mark", or out of range.
-j MARK --set-mark 1/foo ;  ; FAIL MARK: bad integer value for option "--set-mark", or out of range.
-j MARK --and-mark foo ;  ; FAIL MARK: bad value for option "--and-mark", or out of range (0-4294967295).
-j MARK --and-mark 1/2 ;  ; FAIL MARK: bad value for option "--and-mark", or out of range (0-4294967295).
-j MARK --and-mark 4294967296 ;  ; FAIL MARK: bad value for option "--and-mark", or out of range (0-4294967295).
-j MARK ! --set-mark 1 ;  ; FAIL MARK: option "--set-mark" cannot be inverted.
-j MARK --set-mark 1 --set-mark 2 ;  ; FAIL MARK: option "--set-mark" can only be used once.
-j MARK --set-mark ;  ; FAIL option "--set-mark" requires an argument
*filter
-j MARK --set-mark 1 ; -j MARK --set-xmark 0x1/0xffffffff ; OK ; MARK set 0x1
%6
-j MARK --set-mark 1 ; -j MARK --set-xmark 0x1/0xffffffff ; OK ; MARK set 0x1
