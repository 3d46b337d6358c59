:INPUT
-m physdev --physdev-in eth0 ; = ; OK ; PHYSDEV match --physdev-in eth0
-m physdev ! --physdev-in eth0 ; = ; OK ; PHYSDEV match ! --physdev-in eth0
-m physdev --physdev-in eth+ ; = ; OK ; PHYSDEV match --physdev-in eth+
-m physdev --physdev-in + ; = ; OK ; PHYSDEV match --physdev-in +
-m physdev --physdev-is-in ; = ; OK ; PHYSDEV match --physdev-is-in
-m physdev ! --physdev-is-in ; = ; OK ; PHYSDEV match ! --physdev-is-in
-m physdev --physdev-is-bridged ; = ; OK ; PHYSDEV match --physdev-is-bridged
-m physdev --physdev-in eth0 --physdev-is-in ; -m physdev --physdev-is-in --physdev-in eth0 ; OK ; PHYSDEV match --physdev-is-in --physdev-in eth0
-m physdev --physdev-in eth0 --physdev-is-bridged ; = ; OK ; PHYSDEV match --physdev-in eth0 --physdev-is-bridged
-m physdev ;  ; FAIL PHYSDEV: no physdev option specified
-m physdev --physdev-in averyverylonginterface ;  ; FAIL interface name `averyverylonginterface' must be shorter than IFNAMSIZ (15)
-m physdev --physdev-in "" ; -m physdev --physdev-in ; OK ; PHYSDEV match --physdev-in
-m physdev --physdev-in eth0 --physdev-in eth1 ;  ; FAIL physdev: option "--physdev-in" can only be used once.
-m physdev --physdev-out eth0 ; = ; OK ; PHYSDEV match --physdev-out eth0
-m physdev --physdev-is-out ; = ; OK ; PHYSDEV match --physdev-is-out
-m physdev ! --physdev-is-bridged ; = ; OK ; PHYSDEV match ! --physdev-is-bridged
:FORWARD
-m physdev --physdev-out eth0 ; = ; OK ; PHYSDEV match --physdev-out eth0
-m physdev ! --physdev-out eth0 --physdev-is-bridged ; = ; OK ; PHYSDEV match ! --physdev-out eth0 --physdev-is-bridged
-m physdev --physdev-is-out ; = ; OK ; PHYSDEV match --physdev-is-out
-m physdev ! --physdev-is-out ; = ; OK ; PHYSDEV match ! --physdev-is-out
-m physdev --physdev-in eth0 --physdev-out eth1 ; = ; OK ; PHYSDEV match --physdev-in eth0 --physdev-out eth1
-m physdev ! --physdev-in eth0 ! --physdev-out eth1+ --physdev-is-bridged ; = ; OK ; PHYSDEV match ! --physdev-in eth0 ! --physdev-out eth1+ --physdev-is-bridged
-m physdev --physdev-in eth0 --physdev-is-in --physdev-out eth1 --physdev-is-out --physdev-is-bridged ; -m physdev --physdev-is-in --physdev-in eth0 --physdev-is-out --physdev-out eth1 --physdev-is-bridged ; OK ; PHYSDEV match --physdev-is-in --physdev-in eth0 --physdev-is-out --physdev-out eth1 --physdev-is-bridged
-m physdev ! --physdev-is-in ! --physdev-is-out ! --physdev-is-bridged ; = ; OK ; PHYSDEV match ! --physdev-is-in ! --physdev-is-out ! --physdev-is-bridged
:OUTPUT
-m physdev --physdev-out eth0 ;  ; KERNEL xt_physdev: --physdev-out and --physdev-is-out only supported in the FORWARD and POSTROUTING chains with bridged traffic
-m physdev --physdev-out eth0 --physdev-is-bridged ; = ; OK ; PHYSDEV match --physdev-out eth0 --physdev-is-bridged
-m physdev --physdev-in eth0 ; = ; OK ; PHYSDEV match --physdev-in eth0
*mangle
:POSTROUTING
-m physdev --physdev-out eth0 ; = ; OK ; PHYSDEV match --physdev-out eth0
-m physdev --physdev-out eth0 --physdev-is-bridged ; = ; OK ; PHYSDEV match --physdev-out eth0 --physdev-is-bridged
:PREROUTING
-m physdev --physdev-in eth0 ; = ; OK ; PHYSDEV match --physdev-in eth0
-m physdev --physdev-out eth0 ; = ; OK ; PHYSDEV match --physdev-out eth0
%6
*filter
:FORWARD
-m physdev --physdev-in eth0 ; = ; OK ; PHYSDEV match --physdev-in eth0
