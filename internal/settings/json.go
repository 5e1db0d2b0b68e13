package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// JSON sets the fields of the struct that into points to as a JSON object says.
// An error names each fault with its line and key; nothing is set then.
func (v Variants) JSON(document []byte, into any) error {
	// The whole of it is looked at first: only so does the place of a syntax
	// error count from the document's beginning.
	if err := json.Unmarshal(document, new(json.RawMessage)); err != nil {
		at := len(document)
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			at = max(0, int(syntax.Offset)-1)
		}
		return fmt.Errorf("line %d: %w", line(document[:at]), err)
	}
	r := &reader{Variants: v, tokens: json.NewDecoder(bytes.NewReader(document)), document: document}
	r.tokens.UseNumber()
	r.value(reflect.TypeOf(into).Elem(), nil)
	if err := errors.Join(r.faults...); err != nil {
		return err
	}
	v.apply(r.changes, into)
	return nil
}

// A reader turns a document that is known to be JSON into changes.
type reader struct {
	Variants
	tokens   *json.Decoder
	document []byte
	changes  []change
	faults   []error
}

// next returns the next token, of which there is one wherever it is called.
func (r *reader) next() json.Token {
	token, err := r.tokens.Token()
	if err != nil {
		panic(err)
	}
	return token
}

// line returns the number of the line that follows.
func line(before []byte) int { return 1 + bytes.Count(before, []byte("\n")) }

// note takes a fault down, with the place of the token that was read last.
func (r *reader) note(path []string, format string, args ...any) {
	at := ""
	if len(path) > 0 {
		at = strings.Join(path, ".") + ": "
	}
	r.faults = append(r.faults, fmt.Errorf("line %d: %s%s", line(r.document[:r.tokens.InputOffset()]), at, fmt.Sprintf(format, args...)))
}

// maxDepth bounds how deep objects lie in one another. A map may hold the struct
// that it is in, which has no end of itself.
const maxDepth = 16

// value reads a value for a field of type t.
func (r *reader) value(t reflect.Type, path []string) {
	if isLeaf(t) {
		r.leaf(t, path)
		return
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	token := r.next()
	if token != json.Delim('{') {
		r.note(path, "want an object, got %s", describe(token))
		r.skipRest(token)
		return
	}
	if len(path) > maxDepth {
		r.note(path, "is too deep")
		r.skipRest(token)
		return
	}
	r.changes = append(r.changes, change{path: path})
	seen := make(map[string]bool)
	for r.tokens.More() {
		key := fmt.Sprint(r.next())
		r.member(t, path, key, seen)
		seen[key] = true
	}
	r.next() // the end of the object
}

// member reads the value of a key in an object for a field of type t.
func (r *reader) member(t reflect.Type, path []string, key string, seen map[string]bool) {
	below := slices.Concat(path, []string{key})
	member, known := r.memberType(t, key)
	switch {
	case seen[key]:
		r.note(below, "stands here a second time")
	case !known:
		r.note(below, "unknown key, want one of %s", r.members(t))
	case r.Variants[t] != nil && len(seen) > 0:
		r.note(below, "is one too many; choose one of %s", r.members(t))
	default:
		r.value(member, below)
		return
	}
	r.skipRest(r.next())
}

func (r *reader) members(t reflect.Type) string {
	if of := r.Variants[t]; of != nil {
		return names(of)
	}
	return names(r.fields(t))
}

// leaf reads a value that is one text, number or truth value, or a list of
// them.
func (r *reader) leaf(t reflect.Type, path []string) {
	token := r.next()
	if !isList(t) {
		r.item(t, path, token, func(v reflect.Value) { r.changes = append(r.changes, change{path, v}) })
		return
	}
	if token != json.Delim('[') {
		r.note(path, "want a list, got %s", describe(token))
		r.skipRest(token)
		return
	}
	list := reflect.MakeSlice(t, 0, 0)
	for r.tokens.More() {
		r.item(t.Elem(), path, r.next(), func(v reflect.Value) { list = reflect.Append(list, v) })
	}
	r.changes = append(r.changes, change{path, list})
	r.next() // the end of the list
}

// item parses a token for a field of type t and, if that can be, calls set.
func (r *reader) item(t reflect.Type, path []string, token json.Token, set func(reflect.Value)) {
	text, fits := "", false
	switch token := token.(type) {
	case string:
		text, fits = token, t.Kind() == reflect.String || t == durationType || isBytes(t) || isText(t)
	case json.Number:
		text, fits = token.String(), isNumber(t)
	case bool:
		text, fits = strconv.FormatBool(token), t.Kind() == reflect.Bool
	}
	if !fits {
		r.note(path, "want %s, got %s", kindOf(t), describe(token))
		r.skipRest(token)
		return
	}
	v, err := parse(t, text)
	if err != nil {
		r.note(path, "%v", err)
		return
	}
	set(v)
}

// isText reports whether a type reads its own text.
func isText(t reflect.Type) bool {
	return t.Kind() != reflect.String && reflect.PointerTo(t).Implements(textType)
}

func isNumber(t reflect.Type) bool {
	return t != durationType && !isText(t) && t.Kind() != reflect.String && t.Kind() != reflect.Bool && !isBytes(t)
}

func kindOf(t reflect.Type) string {
	switch {
	case t == durationType:
		return `a duration, such as "500ms",`
	case t.Kind() == reflect.Bool:
		return "true or false"
	case isNumber(t):
		return "a number"
	}
	return "a string"
}

// describe says what a token is, and not its text, which may be secret.
func describe(token json.Token) string {
	switch token := token.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case json.Number:
		return token.String()
	case json.Delim:
		if token == '{' {
			return "an object"
		}
		return "a list"
	}
	return fmt.Sprint(token)
}

// skipRest reads over what is left of a value that began with token.
func (r *reader) skipRest(token json.Token) {
	if _, nests := token.(json.Delim); !nests {
		return
	}
	for depth := 1; depth > 0; {
		switch r.next() {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}
