*mangle
:FORWARD
-j CONNMARK ;  ; FAIL CONNMARK target: No operation specified
-j CONNMARK --set-mark 1 ; -j CONNMARK --set-xmark 0x1/0xffffffff ; OK ; CONNMARK set 0x1
-j CONNMARK --set-mark 0x1 ; -j CONNMARK --set-xmark 0x1/0xffffffff ; OK ; CONNMARK set 0x1
-j CONNMARK --set-mark 1/2 ; -j CONNMARK --set-xmark 0x1/0x3 ; OK ; CONNMARK xset 0x1/0x3
-j CONNMARK --set-mark 0xf0/0xff ; -j CONNMARK --set-xmark 0xf0/0xff ; OK ; CONNMARK xset 0xf0/0xff
-j CONNMARK --set-mark 0xf00/0xff ; -j CONNMARK --set-xmark 0xf00/0xfff ; OK ; CONNMARK xset 0xf00/0xfff
-j CONNMARK --set-xmark 1/0xff ; -j CONNMARK --set-xmark 0x1/0xff ; OK ; CONNMARK xset 0x1/0xff
-j CONNMARK --set-xmark 1 ; -j CONNMARK --set-xmark 0x1/0xffffffff ; OK ; CONNMARK set 0x1
-j CONNMARK --and-mark 0xff ; -j CONNMARK --set-xmark 0x0/0xffffff00 ; OK ; CONNMARK and 0xff
-j CONNMARK --or-mark 0xff ; -j CONNMARK --set-xmark 0xff/0xff ; OK ; CONNMARK or 0xff
-j CONNMARK --xor-mark 0xff ; -j CONNMARK --set-xmark 0xff/0x0 ; OK ; CONNMARK xor 0xff
-j CONNMARK --or-mark 0 ; -j CONNMARK --set-xmark 0x0/0x0 ; OK ; CONNMARK and 0xffffffff
-j CONNMARK --and-mark 0 ; -j CONNMARK --set-xmark 0x0/0xffffffff ; OK ; CONNMARK and 0x0
-j CONNMARK --save-mark ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK ; CONNMARK save
-j CONNMARK --save-mark --mask 0xff ; -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff ; OK ; CONNMARK save mask 0xff
-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xf0 ; = ; OK ; CONNMARK save nfmask 0xff ctmask ~0xf0
-j CONNMARK --save-mark --nfmask 0xff ; -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xffffffff ; OK ; CONNMARK save nfmask 0xff ctmask ~0xffffffff
-j CONNMARK --save-mark --ctmask 0xff ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xff ; OK ; CONNMARK save nfmask 0xffffffff ctmask ~0xff
-j CONNMARK --save-mark --mask 0xff --nfmask 1 ;  ; FAIL CONNMARK: option "--nfmask" cannot be used together with "--mask".
-j CONNMARK --save-mark --mask 0xff --ctmask 1 ;  ; FAIL CONNMARK: option "--ctmask" cannot be used together with "--mask".
-j CONNMARK --restore-mark ; -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK ; CONNMARK restore
-j CONNMARK --restore-mark --mask 0xff ; -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff ; OK ; CONNMARK restore mask 0xff
-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xf0 ; = ; OK ; CONNMARK restore ctmask 0xf0 nfmask ~0xff
-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff ; = ; OK ; CONNMARK restore
-j CONNMARK --restore-mark --ctmask 0xffffffff ; -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK ; CONNMARK restore
-j CONNMARK --restore-mark --save-mark ;  ; FAIL CONNMARK: option "--save-mark" cannot be used together with "--restore-mark".
-j CONNMARK --set-mark 1 --mask 3 ; -j CONNMARK --set-xmark 0x1/0x3 ; OK ; CONNMARK xset 0x1/0x3
-j CONNMARK --set-mark 1 --save-mark ;  ; FAIL CONNMARK: option "--set-mark" cannot be used together with "--save-mark".
-j CONNMARK --mask 3 ;  ; FAIL CONNMARK target: No operation specified
-j CONNMARK --set-mark x ;  ; FAIL CONNMARK: bad integer value for option "--set-mark", or out of range.
-j CONNMARK --set-mark 1/x ;  ; FAIL CONNMARK: bad integer value for option "--set-mark", or out of range.
-j CONNMARK --set-mark 4294967296 ;  ; FAIL CONNMARK: bad integer value for option "--set-mark", or out of range.
-j CONNMARK --and-mark x ;  ; FAIL CONNMARK: bad value for option "--and-mark", or out of range (0-4294967295).
-j CONNMARK --nfmask x --save-mark ;  ; FAIL CONNMARK: bad value for option "--nfmask", or out of range (0-4294967295).
-j CONNMARK --set-xmark 0/0 ; -j CONNMARK --set-xmark 0x0/0x0 ; OK ; CONNMARK and 0xffffffff
-j CONNMARK --left-shift-mark 3 ;  ; FAIL CONNMARK target: No operation specified
-j CONNMARK --set-mark 1 --left-shift-mark 3 ; -j CONNMARK --set-xmark 0x1/0xffffffff --left-shift-mark 3 ; OK ; CONNMARK set 0x1 left-shift-mark 3
-j CONNMARK --set-xmark 1/0xff --left-shift-mark 3 ; -j CONNMARK --set-xmark 0x1/0xff --left-shift-mark 3 ; OK ; CONNMARK xset 0x1/0xff left-shift-mark 3
-j CONNMARK --set-xmark 1 --right-shift-mark 3 ; -j CONNMARK --set-xmark 0x1/0xffffffff --right-shift-mark 3 ; OK ; CONNMARK set 0x1 right-shift-mark 3
-j CONNMARK --save-mark --left-shift-mark 8 ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 8 ; OK ; CONNMARK save left-shift-mark 8
-j CONNMARK --restore-mark --right-shift-mark 8 ; -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 8 ; OK ; CONNMARK restore right-shift-mark 8
-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00 --left-shift-mark 8 ; = ; OK ; CONNMARK save nfmask 0xff ctmask ~0xff00 left-shift-mark 8
-j CONNMARK --save-mark --left-shift-mark 32 ;  ; KERNEL xt_connmark: shift by 32 bits or more
-j CONNMARK --save-mark --left-shift-mark 31 ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --left-shift-mark 31 ; OK ; CONNMARK save left-shift-mark 31
-j CONNMARK --save-mark --left-shift-mark 0 ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK ; CONNMARK save
-j CONNMARK --save-mark --left-shift-mark 3 --right-shift-mark 4 ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff --right-shift-mark 4 ; OK ; CONNMARK save right-shift-mark 4
-j CONNMARK --set-mark 1 --set-mark 2 ;  ; FAIL CONNMARK: option "--set-mark" can only be used once.
-j CONNMARK ! --set-mark 1 ;  ; FAIL CONNMARK: option "--set-mark" cannot be inverted.
-j CONNMARK --mask 0xff --save-mark ; -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff ; OK ; CONNMARK save mask 0xff
*filter
-j CONNMARK --save-mark ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK ; CONNMARK save
*nat
:PREROUTING
-j CONNMARK --save-mark ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK ; CONNMARK save
*raw
-j CONNMARK --save-mark ; -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK ; CONNMARK save
*nat
-j CONNMARK --set-mark 0xffffffff/0 ; -j CONNMARK --set-xmark 0xffffffff/0xffffffff ; OK ; CONNMARK or 0xffffffff
*security
:FORWARD
-j CONNMARK --restore-mark ; -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff ; OK ; CONNMARK restore
*mangle
-j CONNMARK --restore-mark --mask 0 ; -j CONNMARK --restore-mark --nfmask 0x0 --ctmask 0x0 ; OK ; CONNMARK restore mask 0x0
-j CONNMARK --set-mark 1 --nfmask 3 ; -j CONNMARK --set-xmark 0x1/0xffffffff ; OK ; CONNMARK set 0x1
-j CONNMARK --set-mark 1 --ctmask 3 ; -j CONNMARK --set-xmark 0x1/0x3 ; OK ; CONNMARK xset 0x1/0x3
-j CONNMARK --and-mark 1 --mask 3 ; -j CONNMARK --set-xmark 0x0/0x3 ; OK ; CONNMARK and 0xfffffffc
-j CONNMARK --set-mark 1/1 --mask 3 ; -j CONNMARK --set-xmark 0x1/0x3 ; OK ; CONNMARK xset 0x1/0x3
-j CONNMARK --mask 3 --set-xmark 1 ; -j CONNMARK --set-xmark 0x1/0xffffffff ; OK ; CONNMARK set 0x1
-j CONNMARK --mask 3 --and-mark 1 ; -j CONNMARK --set-xmark 0x0/0xfffffffe ; OK ; CONNMARK and 0x1
-j CONNMARK --and-mark 5 --left-shift-mark 3 ; -j CONNMARK --set-xmark 0x0/0xfffffffa --left-shift-mark 3 ; OK ; CONNMARK and 0x5 left-shift-mark 3
-j CONNMARK --or-mark 5 --left-shift-mark 3 ; -j CONNMARK --set-xmark 0x5/0x5 --left-shift-mark 3 ; OK ; CONNMARK or 0x5 left-shift-mark 3
-j CONNMARK --xor-mark 5 --right-shift-mark 3 ; -j CONNMARK --set-xmark 0x5/0x0 --right-shift-mark 3 ; OK ; CONNMARK xor 0x5 right-shift-mark 3
-j CONNMARK --save-mark --mask 0xff --right-shift-mark 3 ; -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff --right-shift-mark 3 ; OK ; CONNMARK save mask 0xff right-shift-mark 3
-j CONNMARK --restore-mark --mask 0xff --right-shift-mark 33 ;  ; FAIL CONNMARK: bad value for option "--right-shift-mark", or out of range (0-32).
-j CONNMARK --save-mark --left-shift-mark x ;  ; FAIL CONNMARK: bad value for option "--left-shift-mark", or out of range (0-32).
-j CONNMARK --save-mark --left-shift-mark 3 --left-shift-mark 3 ;  ; FAIL CONNMARK: option "--left-shift-mark" can only be used once.
-j CONNMARK --xor-mark 0 ; -j CONNMARK --set-xmark 0x0/0x0 ; OK ; CONNMARK and 0xffffffff
-j CONNMARK --set-xmark 0x5/0x7 ; = ; OK ; CONNMARK xset 0x5/0x7
-j CONNMARK --set-xmark 0x5/0x5 --right-shift-mark 2 ; = ; OK ; CONNMARK or 0x5 right-shift-mark 2
-j CONNMARK --set-xmark 0/0xff --right-shift-mark 2 ; -j CONNMARK --set-xmark 0x0/0xff --right-shift-mark 2 ; OK ; CONNMARK and 0xffffff00 right-shift-mark 2
-j CONNMARK --set-xmark 5/0 --right-shift-mark 2 ; -j CONNMARK --set-xmark 0x5/0x0 --right-shift-mark 2 ; OK ; CONNMARK xor 0x5 right-shift-mark 2
-j CONNMARK --and-mark 5 --or-mark 6 ;  ; FAIL CONNMARK: option "--and-mark" cannot be used together with "--or-mark".
-j CONNMARK --set-mark 5 --set-xmark 6 ;  ; FAIL CONNMARK: option "--set-xmark" cannot be used together with "--set-mark".
