:INPUT
-m pkttype --pkt-type unicast ; = ; OK ; PKTTYPE = unicast
-m pkttype --pkt-type broadcast ; = ; OK ; PKTTYPE = broadcast
-m pkttype --pkt-type multicast ; = ; OK ; PKTTYPE = multicast
-m pkttype ! --pkt-type multicast ; = ; OK ; PKTTYPE != multicast
-m pkttype --pkt-type host ; -m pkttype --pkt-type unicast ; OK ; PKTTYPE = unicast
-m pkttype --pkt-type bcast ; -m pkttype --pkt-type broadcast ; OK ; PKTTYPE = broadcast
-m pkttype --pkt-type mcast ; -m pkttype --pkt-type multicast ; OK ; PKTTYPE = multicast
-m pkttype --pkt-type UNICAST ; -m pkttype --pkt-type unicast ; OK ; PKTTYPE = unicast
-m pkttype --pkt-type otherhost ; = ; OK ; PKTTYPE = otherhost
-m pkttype --pkt-type outgoing ;  ; FAIL Bad packet type 'outgoing'
-m pkttype --pkt-type loopback ;  ; FAIL Bad packet type 'loopback'
-m pkttype --pkt-type fastroute ;  ; FAIL Bad packet type 'fastroute'
-m pkttype --pkt-type uni ;  ; FAIL Bad packet type 'uni'
-m pkttype --pkt-type foo ;  ; FAIL Bad packet type 'foo'
-m pkttype --pkt-type host --pkt-type host ;  ; FAIL pkttype: option "--pkt-type" can only be used once.
-m pkttype ;  ; FAIL pkttype: option "--pkt-type" must be specified
%6
-m pkttype --pkt-type unicast ; = ; OK ; PKTTYPE = unicast
