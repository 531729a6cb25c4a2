ruleset org.example.layout{meta{name"layout"shares f}
global{a=1 b=2;c=function(x){y=x;z={"k":[y,{"l":y}]}
z{["k",0]}[0]}
d = a
  => b
   | a==1 => 2
   | 3
e=not a||-b*-(a+ +b)%2
f=function(){c(
1
,2
)}
g = (function(x){x})(1){"a"}["b"].d:e(1).f
}
rule r{select when a:b c re#d#setting(e)if a then noop();always{ent:a{["b"]}:=1;ent:b:=2 raise a event "b"
attributes
{
}}}
rule s{}rule t{select when a b every{} }
}
