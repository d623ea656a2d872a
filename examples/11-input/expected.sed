# As many ticks as there are, one is enough.
:again
$!N
s/^tick\ntick$/tick/
tagain
P
D
