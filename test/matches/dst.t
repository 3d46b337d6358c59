%6
:FORWARD
-m dst ; = ; OK ; dst
-m dst --dst-len 5 ; = ; OK ; dst length:5
-m dst --dst-opts 149:92,12:12,123:12 ; = ; OK ; dst opts 149:92,12:12,123:12
-m dst ! --dst-len 5 --dst-opts 1 ; = ; OK ; dst length:!5 opts 1
-m dst --dst-opts 12:12,123:12,12: ;  ; FAIL dst: no valid digits in length `'
-m dst --dst-opts x ;  ; FAIL dst: no valid digits in opt `x'
-m dst --dst-opts 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 ;  ; FAIL too many addresses specified
