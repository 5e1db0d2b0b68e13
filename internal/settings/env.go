package settings

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Env sets the fields of the struct that into points to by those variables of
// an environment, in the form of [os.Environ], whose names begin with prefix
// and '_'. Lists have commas between their items. An error names each variable
// that does not fit; nothing is set then.
//
// The key of a map is part of a name too, in capitals, with '_' for what is not
// a letter or digit. A key that the map has already is found again; others are
// made of the name in lower case.
func (v Variants) Env(prefix string, environ []string, into any) error {
	known := v.leaves(reflect.ValueOf(into).Elem().Type(), nil)
	var changes []change
	var faults []error
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, prefix+"_")
		if !ours {
			continue
		}
		leaf, ok := known[rest]
		if !ok {
			leaf, ok = v.leafInMap(reflect.ValueOf(into).Elem(), known, rest)
		}
		if !ok {
			faults = append(faults, fmt.Errorf("%s: there is no setting of this name", name))
			continue
		}
		value, err := parseList(leaf.t, text)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
			continue
		}
		changes = append(changes, change{leaf.path, value})
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	v.apply(changes, into)
	return nil
}

// A leaf is where a variable's value goes, and what it is.
type leaf struct {
	path []string
	t    reflect.Type
}

// leaves returns what can be set below a type, maps left out, by the names of
// variables.
func (v Variants) leaves(t reflect.Type, path []string) map[string]leaf {
	if isLeaf(t) {
		return map[string]leaf{strings.ToUpper(strings.Join(path, "_")): {path, t}}
	}
	all := make(map[string]leaf)
	for name, member := range v.membersOf(t) {
		maps.Copy(all, v.leaves(member, slices.Concat(path, []string{name})))
	}
	return all
}

// membersOf yields the names and types of what is directly below a type.
func (v Variants) membersOf(t reflect.Type) map[string]reflect.Type {
	if of := v[t]; of != nil {
		return of
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	all := make(map[string]reflect.Type)
	if t.Kind() == reflect.Struct {
		for name, f := range v.fields(t) {
			all[name] = f.Type
		}
	}
	return all
}

// leafInMap finds the leaf of a name such as SERVICES_PAYMENTS_RETRY_MAX_DELAY:
// the field of a map, a key, and the longest name of a leaf that there is.
func (v Variants) leafInMap(at reflect.Value, known map[string]leaf, name string) (leaf, bool) {
	for field, f := range v.fields(at.Type()) {
		rest, ok := strings.CutPrefix(name, strings.ToUpper(field)+"_")
		if !ok || !isMap(f.Type) || f.Type.Elem() != at.Type() {
			continue
		}
		for i := range len(rest) {
			l, ok := known[rest[i:]]
			if ok && i > 1 && rest[i-1] == '_' {
				key := keyLike(at.FieldByIndex(f.Index), rest[:i-1])
				return leaf{append([]string{field, key}, l.path...), l.t}, true
			}
		}
	}
	return leaf{}, false
}

// keyLike returns the key of a map that a variable's name means.
func keyLike(m reflect.Value, name string) string {
	for _, k := range m.MapKeys() {
		if strings.Map(capital, k.String()) == name {
			return k.String()
		}
	}
	return strings.ToLower(name)
}

func capital(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return r
	}
	return '_'
}
