:FORWARD
-m policy ;  ; FAIL policy match: neither --dir in nor --dir out specified
-m policy --dir in ; -m policy --dir in --pol ipsec ; OK ; policy match dir in pol ipsec
-m policy --dir in --pol ipsec ; = ; OK ; policy match dir in pol ipsec
-m policy --dir in --pol none ; = ; OK ; policy match dir in pol none
-m policy --dir out --pol ipsec --strict ;  ; FAIL policy match: empty policy element 0. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.
-m policy --dir out --pol ipsec --reqid 5 ; = ; OK ; policy match dir out pol ipsec reqid 5
-m policy --dir out --pol ipsec --spi 5 ; -m policy --dir out --pol ipsec --spi 0x5 ; OK ; policy match dir out pol ipsec spi 0x5
-m policy --dir out --pol ipsec --proto esp ; = ; OK ; policy match dir out pol ipsec proto 50
-m policy --dir out --pol ipsec --mode tunnel ; = ; OK ; policy match dir out pol ipsec mode tunnel
-m policy --dir out --pol ipsec --strict --mode tunnel --tunnel-src 1.2.3.0/24 --tunnel-dst 1.2.3.4 ; -m policy --dir out --pol ipsec --strict --mode tunnel --tunnel-dst 1.2.3.4 --tunnel-src 1.2.3.0/24 ; OK ; policy match dir out pol ipsec strict mode tunnel tunnel-dst 1.2.3.4 tunnel-src 1.2.3.0/24
-m policy --dir in --pol ipsec --strict --proto esp --next --proto ah ; = ; OK ; policy match dir in pol ipsec strict [0] proto 50 [1] proto 51
-m policy --dir foo --pol none ;  ; FAIL policy_match: invalid dir "foo"
-m policy --dir in --pol foo ;  ; FAIL policy match: invalid policy "foo"
-m policy --pol none ;  ; FAIL policy match: neither --dir in nor --dir out specified
-m policy --dir in --pol none --reqid 5 ; -m policy --dir in --pol none ; OK ; policy match dir in pol none
:INPUT
-m policy --dir in --pol ipsec ; = ; OK ; policy match dir in pol ipsec
-m policy --dir out --pol ipsec ;  ; KERNEL xt_policy: output policy not valid in PREROUTING and INPUT
:OUTPUT
-m policy --dir in --pol ipsec ;  ; KERNEL xt_policy: input policy not valid in POSTROUTING and OUTPUT
-m policy --dir out --pol none ; = ; OK ; policy match dir out pol none
:FORWARD
-m policy --dir in --pol ipsec --proto esp --reqid 1 -j ACCEPT ; -m policy --dir in --pol ipsec --reqid 1 --proto esp -j ACCEPT ; OK ; policy match dir in pol ipsec reqid 1 proto 50
-m policy --dir in --pol ipsec --proto 50 ; -m policy --dir in --pol ipsec --proto esp ; OK ; policy match dir in pol ipsec proto 50
-m policy --dir in --pol ipsec --mode transport ; = ; OK ; policy match dir in pol ipsec mode transport
-m policy --dir in --pol ipsec ! --reqid 5 ; = ; OK ; policy match dir in pol ipsec ! reqid 5
-m policy --dir in --pol ipsec --strict --reqid 3 --next --spi 0x10 --mode transport ; = ; OK ; policy match dir in pol ipsec strict [0] reqid 3 [1] spi 0x10 mode transport
-m policy --dir in --pol ipsec --next --reqid 3 ;  ; FAIL policy: option "--next" also requires "--strict".
-m policy --dir in --pol ipsec --reqid x ;  ; FAIL policy: bad value for option "--reqid", or out of range (0-4294967295).
-m policy --dir in --pol ipsec --proto tcp ;  ; FAIL policy match: protocol must be ah/esp/ipcomp
-m policy --dir in --pol ipsec --mode foo ;  ; FAIL policy match: invalid mode "foo"
-m policy --dir in --dir out --pol ipsec ;  ; FAIL policy: option "--dir" can only be used once.
-m policy ! --dir in --pol ipsec ;  ; FAIL policy: option "--dir" cannot be inverted.
-m policy --dir in --pol ipsec --tunnel-src 1.2.3.4 ;  ; FAIL policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode
-m policy --dir in --pol ipsec --mode tunnel --tunnel-src 1.2.3.4 ; = ; OK ; policy match dir in pol ipsec mode tunnel tunnel-src 1.2.3.4
-m policy --dir in --pol ipsec ! --proto esp ! --mode tunnel ! --spi 3 ; -m policy --dir in --pol ipsec ! --spi 0x3 ! --proto esp ! --mode tunnel ; OK ; policy match dir in pol ipsec ! spi 0x3 ! proto 50 ! mode tunnel
-m policy --dir in --pol none --strict ;  ; FAIL policy match: policy none but --strict given
-m policy --dir in --pol ipsec --strict --reqid 3 --next ;  ; FAIL policy match: empty policy element 1. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.
-m policy --dir in --pol ipsec --proto comp ;  ; FAIL unknown protocol "comp" specified
-m policy --dir in --pol ipsec --reqid 1 --reqid 2 ;  ; FAIL policy match: double --reqid option
-m policy --dir in --pol ipsec --strict --reqid 1 --next --reqid 2 --next --reqid 3 --next --reqid 4 --next --reqid 5 ;  ; FAIL policy match: maximum policy depth reached
-m policy --dir in --pol ipsec --mode tunnel --tunnel-src 1.2.3.4/24 ; = ; OK ; policy match dir in pol ipsec mode tunnel tunnel-src 1.2.3.4/24
:INPUT
-m policy --dir in --pol ipsec --strict ;  ; FAIL policy match: empty policy element 0. --strict is in effect, but at least one of reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.
:OUTPUT
-m policy --dir out --pol ipsec ; = ; OK ; policy match dir out pol ipsec
*mangle
:PREROUTING
-m policy --dir in --pol none ; = ; OK ; policy match dir in pol none
:POSTROUTING
-m policy --dir in --pol none ;  ; KERNEL xt_policy: input policy not valid in POSTROUTING and OUTPUT
*nat
-m policy --dir out --pol none -j MASQUERADE ; = ; OK ; policy match dir out pol none
-m policy --dir out --pol none -j ACCEPT ; = ; OK ; policy match dir out pol none
*filter
:FORWARD
-m policy --pol ipsec --dir out --mode tunnel ! --tunnel-dst 1.2.3.4 ; -m policy --dir out --pol ipsec --mode tunnel ! --tunnel-dst 1.2.3.4 ; OK ; policy match dir out pol ipsec mode tunnel ! tunnel-dst 1.2.3.4
-m policy --dir in --pol none --mode tunnel ; -m policy --dir in --pol none ; OK ; policy match dir in pol none
-m policy --dir in --strict --pol ipsec --mode transport --tunnel-src 1.2.3.4 ;  ; FAIL policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode
-m policy --dir in --pol ipsec --mode tunnel --tunnel-src 1.2.3.4/255.0.255.0 --tunnel-dst 1.2.3.4/0 ; -m policy --dir in --pol ipsec --mode tunnel --tunnel-dst 1.2.3.4/0 --tunnel-src 1.2.3.4 ; OK ; policy match dir in pol ipsec mode tunnel tunnel-dst 1.2.3.4/0 tunnel-src 1.2.3.4
%6
-m policy --dir in --pol ipsec --mode tunnel --tunnel-dst 2001:db8::1/ffff:0:ffff:: ; -m policy --dir in --pol ipsec --mode tunnel --tunnel-dst 2001:db8::1 ; OK ; policy match dir in pol ipsec mode tunnel tunnel-dst 2001:db8::1
