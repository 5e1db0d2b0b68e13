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
	chosen := make(map[string]string)
	for _, variable := range slices.Sorted(slices.Values(environ)) {
		name, text, _ := strings.Cut(variable, "=")
		rest, ours := strings.CutPrefix(name, prefix+"_")
		if !ours {
			continue
		}
		leaf, err := v.leafOf(reflect.ValueOf(into).Elem(), known, rest)
		value := reflect.Value{}
		if err == nil {
			err = v.choose(reflect.TypeOf(into).Elem(), leaf.path, chosen)
		}
		if err == nil {
			value, err = parseList(leaf.t, text)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", name, err))
		}
		changes = append(changes, change{leaf.path, value})
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	v.apply(changes, into)
	return nil
}

// choose notes the variant that is named on a path through t, unless another one
// is chosen there.
func (v Variants) choose(t reflect.Type, path []string, chosen map[string]string) error {
	for i, name := range path {
		if v[t] != nil {
			place := strings.Join(path[:i], ".")
			if other := chosen[place]; other != "" && other != name {
				return fmt.Errorf("it is one too many; %s is %s already", place, other)
			}
			chosen[place] = name
			return nil
		}
		t, _ = v.memberType(t, name)
	}
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

var errUnknown = errors.New("unknown setting")

// leafOf finds the leaf of a name, which may be in a map:
// SERVICES_PAYMENTS_RETRY_MAX_DELAY has the field, a key, and what is below.
func (v Variants) leafOf(at reflect.Value, known map[string]leaf, name string) (leaf, error) {
	if l, ok := known[name]; ok {
		return l, nil
	}
	for field, f := range v.fields(at.Type()) {
		rest, ok := strings.CutPrefix(name, strings.ToUpper(field)+"_")
		if ok && isMap(f.Type) && f.Type.Elem() == at.Type() {
			key, below, err := cutKey(at.FieldByIndex(f.Index), known, rest)
			return leaf{append([]string{field, key}, below.path...), below.t}, err
		}
	}
	return leaf{}, errUnknown
}

// cutKey cuts a name into a key of m and the leaf below. Of several cuts, that
// with a key which m has is the right one; otherwise that with the shortest.
func cutKey(m reflect.Value, known map[string]leaf, name string) (key string, below leaf, err error) {
	err = errUnknown
	for i := len(name) - 1; i > 1; i-- {
		l, ok := known[name[i:]]
		if !ok || name[i-1] != '_' {
			continue
		}
		switch keys := keysLike(m, name[:i-1]); len(keys) {
		case 0:
			key, below, err = strings.ToLower(name[:i-1]), l, nil
		case 1:
			return keys[0], l, nil
		default:
			return "", l, fmt.Errorf("it may mean %s", strings.Join(keys, " or "))
		}
	}
	return key, below, err
}

// keysLike returns the keys of a map that a variable's name can mean, in order.
func keysLike(m reflect.Value, name string) []string {
	var keys []string
	for _, k := range m.MapKeys() {
		if strings.Map(capital, k.String()) == name {
			keys = append(keys, k.String())
		}
	}
	slices.Sort(keys)
	return keys
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
