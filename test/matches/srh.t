*filter
:OUTPUT
%6
-m srh ; = ; OK ; srh
-m srh --srh-next-hdr 17 ; = ; OK ; srh next-hdr:17
-m srh ! --srh-next-hdr 17 --srh-hdr-len-eq 3 --srh-hdr-len-gt 4 ! --srh-hdr-len-lt 5 ; -m srh ! --srh-next-hdr 17 --srh-hdr-len-eq 5 --srh-hdr-len-gt 5 ! --srh-hdr-len-lt 5 ; OK ; srh next-hdr:!17 hdr-len-eq:5 hdr-len-gt:5 hdr-len-lt:!5
-m srh --srh-hdr-len-lt 5 --srh-hdr-len-eq 3 ; -m srh --srh-hdr-len-eq 3 --srh-hdr-len-lt 3 ; OK ; srh hdr-len-eq:3 hdr-len-lt:3
-m srh --srh-hdr-len-gt 0 ; = ; OK ; srh hdr-len-gt:0
-m srh ! --srh-hdr-len-gt 255 ; = ; OK ; srh hdr-len-gt:!255
-m srh --srh-segs-left-eq 3 --srh-segs-left-gt 4 ! --srh-segs-left-lt 5 --srh-last-entry-eq 3 --srh-last-entry-gt 4 ! --srh-last-entry-lt 5 --srh-tag 65535 ; -m srh --srh-segs-left-eq 5 --srh-segs-left-gt 5 ! --srh-segs-left-lt 5 --srh-last-entry-eq 5 --srh-last-entry-gt 5 ! --srh-last-entry-lt 5 --srh-tag 65535 ; OK ; srh segs-left-eq:5 segs-left-gt:5 segs-left-lt:!5 last-entry-eq:5 last-entry-gt:5 last-entry-lt:!5 tag:65535
-m srh --srh-tag 0x10 ; -m srh --srh-tag 16 ; OK ; srh tag:16
-m srh --srh-tag 65536 ;  ; FAIL srh: bad value for option "--srh-tag", or out of range (0-65535).
-m srh --srh-next-hdr 256 ;  ; FAIL srh: bad value for option "--srh-next-hdr", or out of range (0-255).
-m srh --srh-next-hdr udp ;  ; FAIL srh: bad value for option "--srh-next-hdr", or out of range (0-255).
-m srh --srh-hdr-len-eq -1 ;  ; FAIL srh: bad value for option "--srh-hdr-len-eq", or out of range (0-255).
-m srh --srh-psid 2001:db8::1 ; -m srh --srh-psid 2001:db8::1/128 ; OK ; srh psid  2001:db8::1/128
-m srh --srh-psid 2001:db8::1/64 ; = ; OK ; srh psid  2001:db8::1/64
-m srh --srh-psid 2001:db8::1/64 ! --srh-nsid ::1/ffff:: --srh-lsid ::2/127 --srh-tag 3 ! --srh-last-entry-lt 5 ; -m srh ! --srh-last-entry-lt 5 --srh-tag 3 --srh-psid 2001:db8::1/64 ! --srh-nsid ::1/16 --srh-lsid ::2/127 ; OK ; srh last-entry-lt:!5 tag:3 psid  2001:db8::1/64 nsid ! ::1/16 lsid  ::2/127
-m srh --srh-psid ::1/129 ;  ; FAIL srh: bad value for option "--srh-psid", neither a valid network mask nor valid CIDR (0-128).
-m srh ! --srh-psid ::/0 ; = ; OK ; srh psid ! ::/0
-m srh --srh-nsid 192.0.2.1 ;  ; FAIL getaddrinfo: Address family for hostname not supported
-m srh --srh-lsid ::1/ffff:0:ffff:: ; -m srh --srh-lsid ::1/128 ; OK ; srh lsid  ::1/128
-m srh --srh-lsid ::1/x ;  ; FAIL srh: bad value for option "--srh-lsid", neither a valid network mask nor valid CIDR (0-128).
-m srh --srh-hdr-len-eq 1 --srh-hdr-len-eq 2 ;  ; FAIL srh: option "--srh-hdr-len-eq" can only be used once.
-m srh --srh-hdr-len-eq ;  ; FAIL option "--srh-hdr-len-eq" requires an argument
-m srh --srh-hdr-len 3 ;  ; FAIL unknown option "--srh-hdr-len"
-m srh --srh-psid "" ;  ; FAIL getaddrinfo: Name or service not known
-m srh ! --srh-tag 0 ! --srh-segs-left-eq 0 ; -m srh ! --srh-segs-left-eq 0 ! --srh-tag 0 ; OK ; srh segs-left-eq:!0 tag:!0
-m srh --srh-tag 1 --srh-tag 2 ;  ; FAIL srh: option "--srh-tag" can only be used once.
-p tcp -m srh --srh-tag 0 -j ACCEPT ; = ; OK ; srh tag:0
%4
-m srh --srh-tag 0 ;  ; FAIL Couldn't load match `srh':No such file or directory
