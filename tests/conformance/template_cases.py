# SPDX-License-Identifier: Apache-2.0
"""What template_test.py lets Go and stave execute. Templates are one a line, and a `~` stands for a newline."""

import random
import re

PLAIN = {
    "name": "web", "empty": "", "html": "<a href=\"x\">'&'</a>", "utf8": "h\u00e9llo \u2713 w\u00f6rld", "space": "a b/c?d=e",
    "n": 3, "zero": 0, "neg": -7, "big": 123456789012, "pi": 3.14159, "tiny": 0.00001, "huge": 1.5e300, "no": False, "yes": True,
    "null": None, "list": [1, "two", 3.5, None, True, [4], {"k": "v"}], "names": ["x", "y", "z"], "none": [], "void": {},
    "map": {"b": 2, "a": 1, "c": {"d": {"e": "deep"}}}, "people": [{"name": "ann", "age": 30}, {"name": "bob", "age": 4}],
    "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "443/tcp": None},
    "State": {"Status": "running", "Running": True, "Pid": 42}, "Config": {"Labels": {"com.example.x": "y"}, "Env": ["A=1", "B=2"]},
    "control": "a\tb\nc\u0001\u007f",
}

# Parsing, and its errors.
SYNTAX = r"""
plain text
a{{/* comment */}}b
a {{- /* comment */ -}} b
{{/* unclosed
{{/* a */ x}}
a  {{- 1 -}}  b
a~ {{- 1 -}} ~b
{{- 1}} {{2 -}}
{{-3}}
{{ 3 -}} x
{{3 - }}
{{"quoted"}} {{`raw \n ~ x`}} {{'a'}} {{'\n'}} {{'\''}} {{'\u00e9'}} {{'\x41'}} {{'\101'}}
{{"esc \t \" \\ \x41 \u00e9 \101 \U0001f600"}}
{{"\q"}}
{{"\400"}}
{{"unterminated}}
{{"un~terminated"}}
{{`unterminated}}
{{'ab'}}
{{''}}
{{'\q'}}
{{'a}}
{{1}} {{-1}} {{+1}} {{0x1F}} {{0b101}} {{0o17}} {{017}} {{1_000}} {{0x_ff}}
{{1.5}} {{.5}} {{1.}} {{1e3}} {{-1.5e-3}} {{0x1p4}} {{1E2}} {{1_0.5}}
{{089}}
{{1__0}}
{{1_}}
{{0x}}
{{1e}}
{{9223372036854775807}} {{-9223372036854775808}}
{{9223372036854775808}}
{{18446744073709551616}}
{{0xFFFFFFFFFFFFFFFF}}
{{1e999}}
{{1k}}
{{0b12}}
{{1+2}}
{{.}}{{.name
{{.name}
{{.name }
{{
{{}}
{{ }}
{{|}}
{{.name|}}
{{|.name}}
{{.name | | print}}
{{1 | 2}}
{{1 | .}}
{{1 | nil}}
{{1 | "x"}}
{{1 | true}}
{{nope}}
{{.name | nope}}
{{print nope}}
{{$x}}
{{$}}
{{$x := 1}}{{$x}}
{{$x = 1}}
{{$x := }}
{{$x, $y := 1}}
{{$x, $y}}
{{$x := 1, 2}}
{{if $x := .n}}{{$x}}{{end}}{{$x}}
{{with $x := .n}}{{$x}}{{.}}{{end}}
{{:}}
{{=}}
{{,}}
{{.name, .n}}
{{(}}
{{)}}
{{(1}}
{{1)}}
{{()}}
{{((1))}}
{{print (1) (2)}}
{{print(1)}}
{{.name.}}
{{..name}}
{{.name..n}}
{{. name}}
{{nil}}
{{nil.x}}
{{true.x}}
{{"x".y}}
{{1 .x}}
{{(1).x}}
{{.x-y}}
{{.x+1}}
{{x y z}}
{{end}}
{{else}}
{{break}}
{{continue}}
{{if}}{{end}}
{{if .n}}
{{if .n}}{{else}}
{{if .n}}a{{else}}b{{else}}c{{end}}
{{if .n}}a{{end}}{{end}}
{{if .n}}a{{else if}}b{{end}}
{{if .n}}{{break}}{{end}}
{{range .names}}{{end}}{{break}}
{{range .names}}{{break 1}}{{end}}
{{range .names}}{{continue x}}{{end}}
{{range .names}}{{template "t"}}{{end}}{{define "t"}}{{break}}{{end}}
{{range}}x{{end}}
{{range $x := }}x{{end}}
{{range $x, := .names}}x{{end}}
{{range $x, 1 := .names}}x{{end}}
{{range $x, $y, $z := .names}}x{{end}}
{{range .names}}{{else if 1}}{{end}}
{{with .n}}{{else if 1}}{{end}}
{{template}}
{{template x}}
{{template .name}}
{{template "x"}}
{{template "x" .}}
{{template "x" . .}}
{{template "x\q"}}
{{define}}{{end}}
{{define "x"}}
{{define x}}{{end}}
{{define "x" .}}{{end}}
{{define "x"}}{{else}}{{end}}
{{if 1}}{{define "x"}}{{end}}{{end}}
{{define "x"}}a{{end}}{{define "x"}}b{{end}}{{template "x"}}
{{define "x"}}a{{end}}{{define "x"}} {{end}}{{template "x"}}
{{define "x"}} {{end}}{{define "x"}}b{{end}}{{template "x"}}
{{define ""}}own{{end}}
{{define ""}}own{{end}}text
{{block "x"}}a{{end}}
{{block "x" .n}}a{{.}}{{end}}{{template "x" .name}}
{{block x .}}{{end}}
{{block "x" .}}{{else}}{{end}}
{{block "x" .}}
{{end x}}
{{else x}}
{{if 1}}{{else x}}{{end}}
{{.name}} {{ .name}}~{{ .nope.x.y }}~{{~.name~}}
~~{{nope}}
~{{if~.n
{{.name | printf~"%s~}}
{{%}}
{{.é}}
{{é}}
{{€}}
{{#}}
{{@}}
{{"€}}
{{/*x*/}}{{/*y*/}}z
{{- /*x*/ -}}
{{range .names -}} {{.}} {{- end}}
{{true}} {{false}}
{{true false}}
{{if true}}yes{{end}}{{if false}}no{{else}}else{{end}}
{{range 1 2}}{{end}}
{{.name .n}}
{{. .}}
{{1 2}}
{{"x" "y"}}
{{$ 1}}
{{$.name 1}}
{{(.name) 1}}
{{1 | (print)}}
{{1 | $}}
{{breaking}}
{{iffy}}
{{.if}} {{.range}} {{.end}}
"""

# Values, control structures and functions, over PLAIN.
PLAIN_CASES = r"""
{{.}}
{{.name}} {{.n}} {{.pi}} {{.tiny}} {{.huge}} {{.big}} {{.no}} {{.yes}}
{{.null}} {{.nope}} {{.nope.x}} {{.nope.x.y}}
{{.null.x}}
{{.name.x}}
{{.n.x}}
{{.list}} {{.names}} {{.none}} {{.void}} {{.map}}
{{.map.c.d.e}} {{(.map).c.d.e}} {{((.map).c).d}} {{.map.nope}} {{.map.c.nope.e}}
{{$.map.a}} {{$x := .map}}{{$x.c.d.e}} {{$x.nope}} {{$x.a.b}}
{{(.nope).x}}
{{(.null).x}}
{{(.name).x}}
{{(index .list 1).x}}
{{(index .list 6).k}}
{{if .name}}a{{end}}{{if .empty}}b{{end}}{{if .n}}c{{end}}{{if .zero}}d{{end}}{{if .none}}e{{end}}{{if .void}}f{{end}}{{if .map}}g{{end}}
{{if .null}}a{{else}}b{{end}}{{if .nope}}c{{else}}d{{end}}{{if .pi}}e{{end}}{{if .no}}f{{else if .yes}}g{{else}}h{{end}}
{{if .no}}1{{else if .zero}}2{{else if .empty}}3{{else}}4{{end}}
{{with .map}}{{.a}}{{.c.d.e}}{{$.name}}{{end}}{{with .nope}}x{{else}}y{{end}}
{{with .name}}{{.x}}{{end}}
{{with .map.c}}{{with .d}}{{.e}}{{end}}{{.d}}{{end}}
{{with $x := 5}}{{with $x := 6}}{{$x}}{{end}}{{$x}}{{end}}
{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}
{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}
{{$x := 1}}{{range .names}}{{$x = .}}{{end}}{{$x}}
{{$x := .null}}{{$x}} {{$y := .nope}}{{$y}}
{{$x := .list}}{{index $x 0}}
{{range .names}}{{.}},{{end}}
{{range .list}}<{{.}}>{{end}}
{{range $e := .names}}{{$e}}{{.}} {{end}}
{{range $i, $e := .names}}{{$i}}={{$e}} {{end}}
{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}
{{range .map}}{{.}};{{end}}
{{range .none}}x{{else}}none{{end}} {{range .void}}x{{else}}void{{end}} {{range .null}}x{{else}}null{{end}} {{range .nope}}x{{else}}nope{{end}}
{{range .name}}x{{end}}
{{range .pi}}x{{end}}
{{range .yes}}x{{end}}
{{range .names}}{{if eq . "y"}}{{break}}{{end}}{{.}}{{end}}
{{range .names}}{{if eq . "y"}}{{continue}}{{end}}{{.}}{{end}}
{{range .names}}{{range $.names}}{{if eq . "y"}}{{break}}{{end}}{{.}}{{end}};{{end}}
{{range .names}}{{with .}}{{if eq . "z"}}{{continue}}{{end}}{{.}}{{end}}-{{end}}
{{range $i, $p := .people}}{{if $i}}, {{end}}{{.name}} is {{$p.age}}{{end}}
{{range .people}}{{.nope}}{{end}}
{{range .list}}{{.x}}{{end}}
{{range .names}}{{.x}}{{end}}
{{range $p, $c := .Ports}}{{$p}} -> {{(index $c 0).HostPort}}~{{end}}
{{range $p, $c := .Ports}}{{$p}}{{with $c}} -> {{(index . 0).HostPort}}{{end}} {{end}}
{{(index (index .Ports "80/tcp") 0).HostPort}}
{{(index (index .Ports "81/tcp") 0).HostPort}}
{{(index .Ports "443/tcp").HostPort}}
{{index .Config.Labels "com.example.x"}} {{index .Config.Labels "nope"}} {{.Config.Labels.nope}}
{{.State.Status}} {{.State.Pid}} {{.State.Health.Status}}
{{json .Config.Env}} {{json .State}} {{json .}}
{{len .name}} {{len .list}} {{len .map}} {{len .none}} {{len .utf8}}
{{len .n}}
{{len .null}}
{{len .nope}}
{{len nil}}
{{len}}
{{len 1 2}}
{{.names | len}} {{.names | len | printf "%03d"}}
{{index .names 0}} {{index .names 2}} {{index .list 5 0}} {{index .map "c" "d" "e"}} {{index .name 1}} {{index .names}}
{{index .names 3}}
{{index .names 4}}
{{index .names -1}}
{{index .names "x"}}
{{index .names nil}}
{{index .names 1.0}}
{{index .map 1}}
{{index .map nil}}
{{index .map "nope"}} {{index .map "nope" | print}}
{{index .map "nope" "x"}}
{{index .map "a" "x"}}
{{index .n 0}}
{{index .null 0}}
{{index .nope 0}}
{{index nil 0}}
{{index .name 3}}
{{index .name 4}}
{{index}}
{{slice .name 1}} {{slice .name 0 2}} {{slice .names 1 2}} {{slice .names}} {{slice .names 0 1 2}} {{slice .utf8 0 2}}
{{slice .name 2 1}}
{{slice .name 0 4}}
{{slice .name 0 1 2}}
{{slice .name 1 2 3 4}}
{{slice .n 1}}
{{slice nil}}
{{slice .null 1}}
{{slice .names "x"}}
{{slice .names 2 1}}
{{slice .names 0 2 1}}
{{eq .n 3}} {{eq .n 1 2 3}} {{eq .name "web"}} {{eq .null nil}} {{eq .nope nil}} {{eq nil nil}} {{eq .pi 3.14159}} {{eq true .yes}}
{{eq .n 3.0}}
{{eq .n "3"}}
{{eq .name 1}}
{{eq .n}}
{{eq}}
{{eq .list .list}}
{{eq .map .map}}
{{eq .map .list}}
{{eq .list nil}} {{eq .none nil}} {{eq 1 nil}} {{eq nil 1}}
{{ne .n 3}} {{ne .n 4}} {{ne .name "x"}}
{{ne 1 2 3}}
{{ne 1 "x"}}
{{lt 1 2}} {{lt 2 1}} {{le 2 2}} {{gt 2 1}} {{ge 1 2}} {{lt "a" "b"}} {{lt 1.5 2.5}} {{gt .pi 3.0}}
{{lt 1 2.0}}
{{lt true false}}
{{lt .list .list}}
{{lt nil 1}}
{{le 1 "x"}}
{{gt .nope 1}}
{{lt 1}}
{{and 1 0 2}} {{and 1 2}} {{and 0 1}} {{or 0 "" .n}} {{or 0 ""}} {{or 1 2}} {{not 1}} {{not 0}} {{not .nope}}
{{and}}
{{or}}
{{not}}
{{not 1 2}}
{{or 1 (index .names 9)}} {{and 0 (index .names 9)}}
{{and 1 (index .names 9)}}
{{1 | and 0}} {{0 | or 1}} {{1 | and 2}} {{0 | or 0}}
{{.nope | or 1}} {{.nope | and 1}} {{.null | or .name}}
{{if and .n .name}}x{{end}}{{if or .zero .name}}y{{end}}{{if and (gt .n 1) (lt .n 5)}}z{{end}}
{{print 1 2}} {{print "a" "b"}} {{print 1 "a" 2}} {{print 1 2 "a"}} {{print nil}} {{print .null .nope}} {{print}} {{print .list}}
{{println 1 2}}{{println}}{{println "a" nil}}
{{printf "%d" 5}} {{printf "%5d|%-5d|%05d|%+d|% d|%x|%X|%o|%O|%b|%c|%q|%U|%#x|%#o|%#b|%#U" 5 5 5 5 5 255 255 8 8 5 65 65 65 255 8 5 65}}
{{printf "%5.3d|%-8.3d|%08d|%.0d|%+.2d|%x" 5 5 -5 0 5 -255}}
{{printf "%s|%10s|%-10s|%.2s|%q|%x|%X|% x|%#x|%#q|%+q|%05s" .name .name .name .name .name .name .name .name .name .name .utf8 "ab"}}
{{printf "%q %q %q %+q %#q %#q" .control .html .utf8 .control .control "a`b"}}
{{printf "%f|%.2f|%8.2f|%-8.2f|%08.2f|%+f|%e|%E|%g|%G|%v" .pi .pi .pi .pi .pi .pi .pi .pi .pi .pi .pi}}
{{printf "%v %v %v %v %g %e %.3g %.10g %#g %#.3g %#v %x %X %b" 1000000.0 123456789.0 1e20 1e21 1e-5 0.0 123456.0 100000.0 1.0 1.0 1e6 1.5 1.5 1.5}}
{{printf "%6.2f|%-9.1e|%+.1f|% .1f|%06.1f|%6.0f|%#.0f" 3.14159 3.14159 3.14159 3.14159 -3.14159 3.14159 3.14159}}
{{printf "%t|%5t|%-7t|%v|%q" true false true true true}}
{{printf "%v|%s|%d|%q|%x|%#v|%+v|%T" .list .names .list .names .names .list .map .map}}
{{printf "%v %+v %#v %T %s %d" .null .null .null .null .null .null}}
{{printf "%T %T %T %T %T %T %T %T" 1 1.5 "s" true nil .list .map (index .name 0)}}
{{printf "%d" "x"}} {{printf "%s" 1}} {{printf "%t" 1}} {{printf "%f" 1}} {{printf "%z" 1}} {{printf "%!" 1}} {{printf "%é" 1}}
{{printf "%d %d" 1}} {{printf "%d" 1 2}} {{printf "x" 1 "y" nil}} {{printf "%"}} {{printf "%d%"  1}} {{printf "100%%"}} {{printf "%5%"}}
{{printf "%[2]d %[1]d" 1 2}} {{printf "%[3]d" 1}} {{printf "%[x]d" 1}} {{printf "%[1]d %d" 1 2}} {{printf "%[1" 1}} {{printf "%[]d" 1}} {{printf "%[0]d" 1}}
{{printf "%*d|%-*d|%.*f|%*s" 5 1 5 1 2 1.5 -4 "x"}} {{printf "%*d" "x" 1}} {{printf "%.*d" "x" 1}} {{printf "%.*d" -1 1}} {{printf "%*d" 1}}
{{printf "%[2]*[1]d|%[1]5d|%5[1]d" 1 5}} {{printf "%.[2]*[1]f" 1.5 1}} {{printf "%[1].2f" 1.5}}
{{printf "%.d %.f %.s" 5 1.5 "x"}} {{printf "%-05d|%0-5d|%+-5d" 1 1 1}} {{printf "%+ d|% +d" 1 1}}
{{printf "%99999999d" 1}}
{{printf "%v" (index .list 5)}} {{printf "%v %d" .big .neg}} {{printf "%c%c" 0x1F600 -1}} {{printf "%U %#U %08U" 0x1F600 7 65}}
{{printf "%x %X % X %#x %x" "hello" "hello" "hello" "" .list}} {{printf "%.2x|%8x|%-8x|%#8x" "hello" "ab" "ab" "ab"}}
{{printf "%v %s" .html .utf8}} {{printf "%10s|%-10s|%.3s|%.3q" .utf8 .utf8 .utf8 .utf8}}
{{printf "%w" 1}} {{printf "%p" 1}} {{printf "%t" nil}} {{printf "%s" nil}} {{printf "%5v|%-7v|%05v" nil nil nil}}
{{printf "%6v|%-6v|%06v|%6v" .names .names 12 "ab"}} {{printf "%03d|%3v" .list .list}}
{{printf "%#v %#v %#v %#v %#v" 1 "s" 1.5 true .names}} {{printf "%#v" (index .name 0)}} {{printf "%#x %#q" .names .names}}
{{printf}}
{{printf 1}}
{{printf nil}}
{{printf .n}}
{{printf .null}}
{{printf .nope}}
{{"%d-%d" | printf}}
{{2 | printf "%d-%d" 1}}
{{.n | printf "%s-%d" "a"}}
{{html .html}} {{js .html}} {{urlquery .space}} {{html .n}} {{js .control}} {{urlquery .utf8}} {{js .utf8}} {{html nil}} {{html .nope}} {{html .list}}
{{html "a" 1 2 "b"}} {{urlquery "a" "b" 1}} {{html}} {{"<" | html | printf "%q"}} {{js "a=b&c</script>"}}
{{call .name}}
{{call .nope}}
{{call nil}}
{{call}}
{{json .name}} {{json .html}} {{json .n}} {{json .pi}} {{json .tiny}} {{json .huge}} {{json .null}} {{json .nope}} {{json nil}} {{json .none}} {{json .utf8}}
{{json .list}} {{json .map}} {{json true}} {{json 1e21}} {{json 1e20}} {{json 1e-7}} {{json "a\u2028b"}} {{json "\xff"}}
{{json}}
{{json 1 2}}
{{split "a,b,c" ","}} {{split "abc" ""}} {{split "" ","}} {{split "a" "x"}} {{split "a::b" "::" | len}} {{index (split .name "e") 0}} {{split "é€" ""}}
{{split .name}}
{{split 1 ","}}
{{split .n ","}}
{{split .nope ","}}
{{split "a" nil}}
{{join (split "a,b" ",") "-"}} {{join nil "x"}} {{split "a b" " " | len}}
{{join .names ","}}
{{join .name ","}}
{{join "a" ","}}
{{join 1 ","}}
{{join .nope ","}}
{{join .null ","}}
{{title "hello world foo-bar it's x_y 1a"}} {{upper .utf8}} {{lower "ABC É"}} {{title .utf8}} {{upper ""}}
{{upper .n}}
{{upper 1}}
{{upper nil}}
{{upper .nope}}
{{upper .null}}
{{upper true}}
{{.name | upper | lower | title}} {{upper (index .names 0)}} {{upper (index .list 1)}}
{{upper (index .list 0)}}
{{pad .name 2 3}}| {{pad "" 2 3}}| {{pad "x" 0 0}}|
{{pad .name -1 0}}
{{pad .name 1}}
{{pad .name "1" 2}}
{{pad .name .pi 2}}
{{pad .name .n 1e1}}|
{{pad .name 1.5 1}}
{{truncate .name 2}} {{truncate .name 9}} {{truncate .name 0}} {{truncate .name 3}} {{truncate "x" 'a'}}
{{truncate .name -1}}
{{truncate .name}}
{{2 | truncate .name}}
{{"x" | truncate .name}}
{{.nope | truncate .name}}
{{define "t"}}[{{.}}|{{$}}]{{end}}{{template "t"}}{{template "t" .name}}{{template "t" 1 | print}}
{{define "t"}}{{$x := 1}}{{.}}{{end}}{{$x := 2}}{{template "t" $x}}{{$x}}
{{define "t"}}{{.nope.x}}{{.name.x}}{{end}}{{template "t" .}}
{{define "t"}}{{if .}}{{template "t" (slice . 1)}}{{index . 0}}{{end}}{{end}}{{template "t" .names}}
{{template "t"}}{{define "t"}}later{{end}}
{{define "a"}}a{{template "b"}}{{end}}{{define "b"}}b{{end}}{{template "a"}}
{{range .names}}{{template "t" .}}{{end}}{{define "t"}}<{{.}}>{{end}}
{{block "b" .names}}{{range .}}{{.}}{{end}}{{end}}
{{with $x := .names}}{{range $i, $x := $x}}{{$i}}{{$x}}{{end}}{{len $x}}{{end}}
{{$a := 1}}{{$b := 2}}{{$a}}{{$b}}{{$a = $b}}{{$a}}
{{if $x := .n}}{{$x}}{{else}}{{$x}}{{end}}
{{if eq .State.Status "running"}}up{{else}}down{{end}} {{if .State.Running}}{{.State.Pid}}{{end}}
{{printf "%s: %s" .name (json .names)}} {{print (len (print (upper .name)))}}
{{(printf "%s" .name).x}}
{{(len .name).x}}
{{.name | .x}}
{{1 | .name}}
{{1 | .State.Pid}}
{{1 | .nope}}
{{.State 1}}
{{.State.Pid 1}}
{{print .names.x}}
{{print (.names).x}}
{{print "a" | print "b" | print "c"}}
{{1 | print 2 | print 3}}
{{.list | json | len}} {{.yes | not}} {{not (not .n)}}
{{print 0x10 1_000 'x' 1e2 .5}} {{print -0 -0.0}} {{printf "%v" 1e2}} {{printf "%T %T" 0x1e 1e1}}
{{index .map `a`}} {{printf `%s\n` "x"}} {{`a~b`}}
{{range $i, $_ := .names}}{{$i}}{{end}} {{$_x1 := 1}}{{$_x1}}
"""

# The same with an absent key as an error.
STRICT_CASES = r"""
{{.name}} {{.map.a}}
{{.nope}}
{{.map.nope}}
{{.nope.x}}
{{.State.Health.Status}}
{{.null.x}}
{{.null}}
{{index .map "nope"}}
{{(index .map "nope").x}}
{{with .nope}}x{{end}}
{{if .nope}}x{{end}}
{{range .people}}{{.nope}}{{end}}
{{(print).x}}
{{$x := index .map "nope"}}{{$x.y}}
{{template "t" nil}}{{define "t"}}{{end}}
{{template "t"}}{{define "t"}}{{.x}}{{end}}
"""

# Over the Row of the drivers: a struct with methods.
ROW_CASES = r"""
{{.}}
{{printf "%v" .Sub}} {{printf "%+v" .Sub}} {{printf "%#v" .Sub}} {{printf "%T" .}} {{printf "%T" .Sub}} {{printf "%s" .Sub}} {{.Sub}} {{.Subs}}
{{.ID}} {{.Count}} {{.Ratio}} {{.Up}} {{.Ports}} {{.Labels}} {{.Nested}} {{.None}} {{.Any}} {{.Wrapped}} {{.Uint}} {{.Health}}
{{.Nope}}
{{.Sub.Nope}}
{{.Sub.A}} {{.Sub.B}} {{(index .Subs 1).B}} {{$.Sub.A}} {{$x := .Sub}}{{$x.B}}
{{.Sub.A.x}}
{{.ID.x}}
{{.Ports.x}}
{{.Health.A}}
{{.Any.x}}
{{.Wrapped.x}}
{{.Labels.a}} {{.Labels.nope}} {{index .Labels "a"}} {{index .Labels "nope"}}| {{index .Labels "b.c"}} {{index .Nested "nope"}} {{.Nested.x}}
{{.Labels.a.b}}
{{.Labels.a 1}}
{{.ID 1}}
{{.Sub 1}}
{{1 | .ID}}
{{.Label "x"}} {{"y" | .Label}} {{.Label .ID}} {{.Plain}}
{{.Label}}
{{.Label 1}}
{{.Label "x" "y"}}
{{.Label nil}}
{{.Label .Nope}}
{{.Label .Count}}
{{.Label .Any}}
{{.Label .Wrapped}}
{{.Label .Health}}
{{.Plain 1}}
{{.Plain.x}}
{{.Add 1 2}} {{.Add .Count 1e1}} {{2 | .Add 1}}
{{.Add 1}}
{{.Add 1 "x"}}
{{.Add 1 1.5}}
{{.Add 1 .Uint}}
{{.Show 1}} {{.Show nil}} {{.Show .Any}} {{.Show .Ports}} {{.Show "x"}} {{.Show (print 1)}} {{.Show true}} {{.Show .Plain}}
{{.Fail}}
{{with .}}{{.Fail}}{{end}}
{{$.Label "z"}} {{(.Sub).A}} {{with .Sub}}{{.A}}{{$.ID}}{{end}}
{{.Joined .Ports}} {{.Joined nil}} {{.Joined .None}} {{.Joined (split "a b" " ")}}
{{.Joined .ID}}
{{.Joined .Any}}
{{.Joined "x"}}
{{join .Ports ","}} {{join .None ","}} {{index .Ports 0}} {{slice .Ports 1}} {{len .Labels}} {{len .None}}
{{range .Ports}}{{.}} {{end}}{{range $k, $v := .Labels}}{{$k}}={{$v}} {{end}}{{range .None}}x{{else}}none{{end}}
{{range .Health}}x{{end}}
{{range .Sub}}x{{end}}
{{range .Subs}}{{.A}}{{.B}}{{end}}
{{range .Ports}}{{.x}}{{end}}
{{range .Subs}}{{.C}}{{end}}
{{if .Health}}x{{else}}y{{end}}{{if .None}}x{{else}}y{{end}}{{if .Sub}}x{{end}}{{if .Any}}x{{else}}y{{end}}{{if .Up}}x{{end}}{{if .Uint}}x{{end}}
{{eq .Count 3}} {{eq .Uint 7}} {{lt .Uint 8}} {{gt .Count .Uint}} {{eq .Health nil}} {{eq .None nil}} {{eq .Any nil}} {{eq .Wrapped "wrapped"}}
{{eq .Sub .Sub}} {{eq .Sub (index .Subs 0)}} {{eq .Sub (index .Subs 1)}}
{{eq .Ports .Ports}}
{{eq .Count .Ratio}}
{{lt .Uint -1}} {{lt -1 .Uint}} {{le .Uint 7}} {{ge 7 .Uint}} {{eq -1 .Uint}}
{{index .Health 0}}
{{len .Health}}
{{len .Sub}}
{{index .Sub 0}}
{{index .Labels 1}}
{{index .Ports .Uint}}
{{index .Nested "x" 1}}
{{json .Sub}} {{json .Subs}} {{json .Labels}} {{json .None}} {{json .Health}} {{json .Any}} {{json .Ports}} {{json .}}
{{printf "%d %s %v %q" .Count .ID .Up .Ports}} {{printf "%v %d %s" .Health .Count .None}} {{printf "%#v %#v %#v" .None .Labels .Ports}} {{printf "%x" .Uint}} {{printf "%#v" .Uint}}
{{print .Health}} {{print .Sub}} {{print .Sub.A .Sub.B}} {{println .Up}}
{{printf "%s" .Health}} {{printf "%d" .Health}} {{printf "%#v" .Any}} {{html .Health}} {{html .Sub}}
{{upper .ID}} {{truncate .ID 4}} {{pad .ID 1 1}}| {{upper .Wrapped}}
{{upper .Any}}
{{truncate .ID .Count}} {{truncate .ID .Uint}}
{{call .Plain}}
{{and .Health .ID}} {{or .Health .ID}} {{or .Any .None "x"}}
{{.Labels | len}} {{.Ports | json}} {{.ID | .Label}}
{{template "t" .Sub}}{{define "t"}}{{.A}}{{.Nope}}{{end}}
{{$x := .Health}}{{$x}} {{$x.A}}
{{(.Show 1).x}}
{{(.Sub).Nope}}
{{(.Sub)}} {{(.Subs)}}
{{not .Health}} {{not .Sub}}
"""


TOKEN = re.compile(r"""\{\{-?|-?\}\}|"(?:\\.|[^"\\])*"|`[^`]*`|\.[A-Za-z]+|\$[a-z]*|[A-Za-z_]+|[0-9.]+|\s+|.""", re.S)
VALUES = (
    ".n .neg .pi .tiny .huge .big .name .utf8 .control .list .map .yes .null .names .none .html 1 \"x\" nil 0x1F600 1e6 -0.5 100.0 1e21"
).split() + ["(index .name 0)"]


def cases():
    for text, data, strict in (
        (SYNTAX, "plain", False), (PLAIN_CASES, "plain", False), (STRICT_CASES, "plain", True), (ROW_CASES, "row", False),
    ):
        for line in text.strip("\n").split("\n"):
            yield {"data": data, "template": line.replace("~", "\n"), "strict": strict}


def _verb(rng):
    flags = "".join(rng.choice("+-# 0") for _ in range(rng.choice([0, 0, 1, 1, 2, 3])))
    width = rng.choice(["", "", "5", "12", "1"]) + rng.choice(["", "", "", ".0", ".2", ".5", ".", ".10"])
    verb = f"%{flags}{width}{rng.choice('vTtbcdoOqxXUeEfFgGs%')}|"
    return {"data": "plain", "template": f'{{{{printf "{verb}" {rng.choice(VALUES)}}}}}', "strict": False}


def _mutant(rng, pieces, pool):
    data, tokens = rng.choice(pieces)
    tokens = list(tokens)
    for _ in range(rng.choice([1, 1, 2, 3])):
        at = rng.randrange(len(tokens) + 1)
        act = rng.choice(["drop", "insert", "replace"])
        tokens[at:at + (act != "insert")] = [] if act == "drop" else [rng.choice(pool)]
    return {"data": data, "template": "".join(tokens), "strict": rng.random() < 0.1}


def random_cases(seed, count):
    """Verbs of printf with any flags, and the cases above with tokens dropped, added and exchanged."""
    rng = random.Random(seed)
    pieces = [(case["data"], TOKEN.findall(case["template"])) for case in cases()]
    pool = [token for _, tokens in pieces for token in tokens]
    for _ in range(count):
        yield _verb(rng) if rng.random() < 0.3 else _mutant(rng, pieces, pool)


def random_columns(seed, count):
    """Texts with tabs and newlines."""
    rng = random.Random(seed)
    cells = ["", "a", "web", "0123456", "01234567", "0123456789abcdef", "h\u00e9llo", " ", "two words"]
    for _ in range(count):
        pieces = (rng.choice(cells) + rng.choice("\t\t\t\n") for _ in range(rng.randrange(30)))
        yield {"data": "columns", "template": "".join(pieces) + rng.choice(["\n", "end", "end\n"]), "strict": False}
