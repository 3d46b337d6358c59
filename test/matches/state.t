:INPUT
-m state --state NEW,ESTABLISHED ; = ; OK ; state NEW,ESTABLISHED
-m state ! --state INVALID ; = ; OK ; ! state INVALID
-m state --state UNTRACKED,RELATED ; -m state --state RELATED,UNTRACKED ; OK ; state RELATED,UNTRACKED
-m state ! --state NEW,INVALID ; -m state ! --state INVALID,NEW ; OK ; ! state INVALID,NEW
-m state --state NEW -m conntrack --ctstate NEW ; = ; OK ; state NEW ctstate NEW
-m state --state est ; -m state --state ESTABLISHED ; OK ; state ESTABLISHED
-m state --state SNAT ;  ; FAIL Bad state "SNAT"
-m state --state NEW, ;  ; FAIL "--state" requires a list of states with no spaces, e.g. ESTABLISHED,RELATED
-m state --state NEW --state NEW ;  ; FAIL state: option "--state" can only be used once.
-m state ;  ; FAIL state: option "--state" must be specified
%6
-m state --state NEW ; = ; OK ; state NEW
