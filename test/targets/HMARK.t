*mangle
:OUTPUT
-j HMARK ;  ; FAIL --hmark-mod is mandatory
-j HMARK --hmark-mod 2 ;  ; FAIL --hmark-rnd is mandatory
-j HMARK --hmark-rnd 2 ;  ; FAIL --hmark-mod is mandatory
-j HMARK --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL you have to specify --hmark-tuple at least
-j HMARK --hmark-tuple src --hmark-mod 0 --hmark-rnd 3 ;  ; FAIL HMARK: bad value for option "--hmark-mod", or out of range (1-4294967295).
-j HMARK --hmark-tuple ct --hmark-mod 7 --hmark-rnd 3 ; -j HMARK --hmark-rnd 0x00000003 --hmark-mod 7 --hmark-tuple ct ; OK ; HMARK mod 7 ct, rnd 0x3
-j HMARK --hmark-tuple ct,src --hmark-mod 4294967295 --hmark-rnd 0xffffffff ; -j HMARK --hmark-src-prefix 32 --hmark-rnd 0xffffffff --hmark-mod 4294967295 --hmark-tuple ct ; OK ; HMARK mod 4294967295 ct, src-prefix 32 rnd 0xffffffff
-j HMARK --hmark-tuple c,s,d,sp,dp,p --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-proto-mask 0xffff --hmark-rnd 0x00000003 --hmark-mod 2 --hmark-tuple ct ; OK ; HMARK mod 2 ct, src-prefix 32 dst-prefix 32 sport-mask 0xffff dport-mask 0xffff proto-mask 0xffff rnd 0x3
-j HMARK --hmark-tuple SRC,Dst,SPORT --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-dst-prefix 32 --hmark-sport-mask 0xffff --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 src-prefix 32 dst-prefix 32 sport-mask 0xffff rnd 0x3
-j HMARK --hmark-tuple spi --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-spi-mask 0xffffffff --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 spi-mask 0xffffffff rnd 0x3
-j HMARK --hmark-tuple spi,sport --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time
-j HMARK --hmark-tuple srcx --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL Bad type "srcx"
-j HMARK --hmark-tuple bad,src --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL Bad type "bad,src"
-j HMARK --hmark-tuple src,,dst --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL Bad type ",dst"
-j HMARK --hmark-tuple src, --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL "--hmark-tuple" requires a list of types with no spaces, e.g. src,dst,sport,dport,proto
-j HMARK --hmark-tuple ,src --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL Bad type ",src"
-j HMARK --hmark-tuple "" --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL "--hmark-tuple" requires a list of types with no spaces, e.g. src,dst,sport,dport,proto
-j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 255.0.255.0 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 24 --hmark-dst-prefix 32 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 src-prefix 24 dst-prefix 32 rnd 0x3
%6
-j HMARK --hmark-src-prefix 64 --hmark-dst-prefix ffff:0:ffff:: --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 64 --hmark-dst-prefix 128 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 src-prefix 64 dst-prefix  rnd 0x3
-j HMARK --hmark-src-prefix 0 --hmark-dst-prefix ffff::1 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 0 --hmark-dst-prefix 128 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 src-prefix 0 dst-prefix  rnd 0x3
-j HMARK --hmark-src-prefix 128 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 128 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 src-prefix  rnd 0x3
-j HMARK --hmark-src-prefix 129 --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL HMARK: bad value for option "--hmark-src-prefix", neither a valid network mask nor valid CIDR (0-128).
%4
-j HMARK --hmark-src-prefix 33 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 src-prefix 32 rnd 0x3
-j HMARK --hmark-src-prefix 24 --hmark-tuple src --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 src-prefix 32 rnd 0x3
-j HMARK --hmark-tuple src --hmark-src-prefix 24 --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL HMARK: option "--hmark-src-prefix" can only be used once.
-j HMARK --hmark-sport-mask 0xff00 --hmark-dport-mask 15 --hmark-sport 0x1234 --hmark-dport 5 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-sport-mask 0xff00 --hmark-dport-mask 0x000f --hmark-sport 0x1234 --hmark-dport 0x0005 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 sport-mask 0xff00 dport-mask 0xf sport 0x1234 dport 0x5 rnd 0x3
-j HMARK --hmark-spi-mask 0xffff0001 --hmark-spi 0x80000001 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-spi-mask 0xffff0001 --hmark-spi 0x80000001 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 spi-mask 0xffff0001 spi 0x80000001 rnd 0x3
-j HMARK --hmark-spi-mask 0xffff0001 --hmark-sport-mask 1 --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time
-j HMARK --hmark-spi-mask 0xffff0001 --hmark-sport 1 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-spi-mask 0xffff0001 --hmark-sport 0x0001 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 spi-mask 0xffff0001 sport 0x1 rnd 0x3
-j HMARK --hmark-sport 1 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-sport 0x0001 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 sport 0x1 rnd 0x3
-j HMARK --hmark-spi 1 --hmark-sport 1 --hmark-mod 2 --hmark-rnd 3 ;  ; KERNEL xt_HMARK: spi-set and port-set can't be combined
-j HMARK --hmark-sport 0x0102 --hmark-spi 0x1 --hmark-mod 2 --hmark-rnd 3 ;  ; KERNEL xt_HMARK: spi-set and port-set can't be combined
-j HMARK --hmark-proto-mask 0xff --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-proto-mask 0xff --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 proto-mask 0xff rnd 0x3
-j HMARK --hmark-proto-mask 0x1 --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-proto-mask 0x01 --hmark-rnd 0x00000003 --hmark-mod 2 ; OK ; HMARK mod 2 proto-mask 0x1 rnd 0x3
-j HMARK --hmark-proto-mask 0x10000 --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL HMARK: bad value for option "--hmark-proto-mask", or out of range (0-65535).
-j HMARK --hmark-offset 4294967295 --hmark-tuple proto --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-proto-mask 0xffff --hmark-rnd 0x00000003 --hmark-mod 2 --hmark-offset 4294967295 ; OK ; HMARK mod 2 + 0xffffffff proto-mask 0xffff rnd 0x3
-j HMARK --hmark-offset 4294967296 --hmark-tuple proto --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL HMARK: bad value for option "--hmark-offset", or out of range (0-4294967295).
-j HMARK --hmark-offset 0 --hmark-tuple proto --hmark-mod 2 --hmark-rnd 3 ; -j HMARK --hmark-proto-mask 0xffff --hmark-rnd 0x00000003 --hmark-mod 2 --hmark-offset 0 ; OK ; HMARK mod 2 + 0x0 proto-mask 0xffff rnd 0x3
-j HMARK --hmark-tuple src --hmark-mod x --hmark-rnd 3 ;  ; FAIL HMARK: bad value for option "--hmark-mod", or out of range (1-4294967295).
-j HMARK --hmark-tuple src ! --hmark-mod 3 --hmark-rnd 3 ;  ; FAIL HMARK: option "--hmark-mod" cannot be inverted.
-j HMARK --hmark-tuple src --hmark-tuple dst --hmark-mod 3 --hmark-rnd 3 ;  ; FAIL HMARK: option "--hmark-tuple" can only be used once.
-j HMARK --hmark-sport-mask 65536 --hmark-mod 3 --hmark-rnd 3 ;  ; FAIL HMARK: bad value for option "--hmark-sport-mask", or out of range (0-65535).
-j HMARK --hmark-src-prefix x --hmark-mod 3 --hmark-rnd 3 ;  ; FAIL HMARK: bad value for option "--hmark-src-prefix", neither a valid network mask nor valid CIDR (0-32).
*filter
-j HMARK --hmark-tuple src --hmark-mod 3 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000003 --hmark-mod 3 ; OK ; HMARK mod 3 src-prefix 32 rnd 0x3
*raw
-j HMARK --hmark-tuple src --hmark-mod 3 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000003 --hmark-mod 3 ; OK ; HMARK mod 3 src-prefix 32 rnd 0x3
*nat
-j HMARK --hmark-tuple src --hmark-mod 3 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000003 --hmark-mod 3 ; OK ; HMARK mod 3 src-prefix 32 rnd 0x3
*security
-j HMARK --hmark-tuple src --hmark-mod 3 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000003 --hmark-mod 3 ; OK ; HMARK mod 3 src-prefix 32 rnd 0x3
*filter
%6
-j HMARK --hmark-tuple ct,src,dst,sport,dport,proto --hmark-mod 3 --hmark-rnd 3 --hmark-offset 100 ; -j HMARK --hmark-src-prefix 128 --hmark-dst-prefix 128 --hmark-sport-mask 0xffff --hmark-dport-mask 0xffff --hmark-proto-mask 0xffff --hmark-rnd 0x00000003 --hmark-mod 3 --hmark-offset 100 --hmark-tuple ct ; OK ; HMARK mod 3 + 0x64 ct, src-prefix  dst-prefix  sport-mask 0xffff dport-mask 0xffff proto-mask 0xffff rnd 0x3
-j HMARK --hmark-tuple src,dst,spi,proto --hmark-mod 3 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 128 --hmark-dst-prefix 128 --hmark-spi-mask 0xffffffff --hmark-proto-mask 0xffff --hmark-rnd 0x00000003 --hmark-mod 3 ; OK ; HMARK mod 3 src-prefix  dst-prefix  spi-mask 0xffffffff proto-mask 0xffff rnd 0x3
*mangle
%4
-j HMARK --hmark-tup src --hmark-mod 3 --hmark-rnd 3 ; -j HMARK --hmark-src-prefix 32 --hmark-rnd 0x00000003 --hmark-mod 3 ; OK ; HMARK mod 3 src-prefix 32 rnd 0x3
-j HMARK --hmark-s 3 --hmark-mod 3 --hmark-rnd 3 ;  ; FAIL unknown option "--hmark-s"
-j HMARK --hmark-tuple spi --hmark-sport-mask 1 --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time
-j HMARK --hmark-tuple src --hmark-src-prefix 255.255.0.255 --hmark-mod 2 --hmark-rnd 3 ;  ; FAIL HMARK: option "--hmark-src-prefix" can only be used once.
