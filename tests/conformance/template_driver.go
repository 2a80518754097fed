// SPDX-License-Identifier: Apache-2.0

// Executes the templates of stdin with Go's own text/template: the judge of template_test.py. A line is
// {"data": "plain" or "row", "template": ..., "strict": ...}; the answer is what the template gives and its
// error, both in hexadecimal. The first argument is the plain data, JSON. With the data "columns" the template is text
// with tabs, to be laid out as Docker has it done.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"
	"text/template"
)

type Sub struct {
	A int
	B string
}

type Row struct {
	ID      string
	Count   int
	Ratio   float64
	Up      bool
	Ports   []string
	Labels  map[string]string
	Nested  map[string][]string
	Sub     Sub
	Subs    []Sub
	Health  *Sub
	None    []string
	Any     interface{}
	Wrapped interface{}
	Uint    uint
}

func (Row) Label(key string) string      { return "label of " + key }
func (Row) Add(a, b int) int             { return a + b }
func (Row) Show(any interface{}) string  { return fmt.Sprint(any) }
func (Row) Fail() (string, error)        { return "", errors.New("out of luck") }
func (Row) Joined(parts []string) string { return strings.Join(parts, "+") }
func (Row) Plain() string                { return "plain" }

func row() *Row {
	return &Row{
		ID: "4f2a<&>", Count: 3, Ratio: 0.25, Up: true, Ports: []string{"80/tcp", "443/tcp"},
		Labels: map[string]string{"a": "1", "b.c": "2"},
		Nested: map[string][]string{"x": {"y", "z"}}, Sub: Sub{1, "one"}, Subs: []Sub{{1, "one"}, {2, "two"}},
		Wrapped: "wrapped", Uint: 7,
	}
}

func functions() template.FuncMap {
	return template.FuncMap{
		"json": func(value interface{}) string {
			var out strings.Builder
			encoder := json.NewEncoder(&out)
			encoder.SetEscapeHTML(false)
			if err := encoder.Encode(value); err != nil {
				panic(err)
			}
			return strings.TrimSpace(out.String())
		},
		"split": strings.Split,
		"join":  strings.Join,
		"title": strings.Title,
		"lower": strings.ToLower,
		"upper": strings.ToUpper,
		"pad": func(text string, before, after int) string {
			if text == "" {
				return text
			}
			return strings.Repeat(" ", before) + text + strings.Repeat(" ", after)
		},
		"truncate": func(text string, length int) string {
			if len(text) < length {
				return text
			}
			return text[:length]
		},
	}
}

// Numbers as integers where they are integers.
func typed(value interface{}) interface{} {
	switch value := value.(type) {
	case json.Number:
		if integer, err := value.Int64(); err == nil {
			return int(integer)
		}
		real, _ := value.Float64()
		return real
	case []interface{}:
		for i := range value {
			value[i] = typed(value[i])
		}
	case map[string]interface{}:
		for key := range value {
			value[key] = typed(value[key])
		}
	}
	return value
}

func run(text string, data interface{}, strict bool) (out, problem string) {
	parsed, err := template.New("").Funcs(functions()).Parse(text)
	if err != nil {
		return "", err.Error()
	}
	if strict {
		parsed = parsed.Option("missingkey=error")
	}
	var builder strings.Builder
	if err := parsed.Execute(&builder, data); err != nil {
		problem = err.Error()
	}
	return builder.String(), problem
}

func columns(text string) string {
	var out strings.Builder
	writer := tabwriter.NewWriter(&out, 10, 1, 3, ' ', 0)
	if _, err := writer.Write([]byte(text)); err != nil {
		panic(err)
	}
	if err := writer.Flush(); err != nil {
		panic(err)
	}
	return out.String()
}

func main() {
	var plain interface{}
	decoder := json.NewDecoder(strings.NewReader(os.Args[1]))
	decoder.UseNumber()
	if err := decoder.Decode(&plain); err != nil {
		panic(err)
	}
	data := map[string]interface{}{"plain": typed(plain), "row": row()}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var question struct {
			Data, Template string
			Strict         bool
		}
		if err := json.Unmarshal(lines.Bytes(), &question); err != nil {
			panic(err)
		}
		if question.Data == "columns" {
			fmt.Println(hex.EncodeToString([]byte(columns(question.Template))) + " ")
			continue
		}
		out, problem := run(question.Template, data[question.Data], question.Strict)
		fmt.Println(hex.EncodeToString([]byte(out)) + " " + hex.EncodeToString([]byte(problem)))
	}
}
