package parley

import (
	"net/http"
	"strings"
)

// Fields are the header of an answer, one field after the other, in no order. Unlike a
// map, the usual few need no memory of their own.
type Fields struct {
	count int
	few   [3]field
	more  []field
}

type field struct {
	name   string
	values []string
}

// FieldsOf returns the fields of header, which it does not keep. The values are shared.
func FieldsOf(header http.Header) (f Fields) {
	if beyond := len(header) - len(f.few); beyond > 0 {
		f.more = make([]field, 0, beyond)
	}
	for name, values := range header {
		f.add(field{name, values})
	}
	return f
}

func (f *Fields) add(added field) {
	if f.count < len(f.few) {
		f.few[f.count] = added
	} else {
		f.more = append(f.more, added)
	}
	f.count++
}

// Len is how many there are.
//
//parley:inline
func (f *Fields) Len() int { return f.count }

// At returns the field at a place from 0 on.
//
//parley:inline
func (f *Fields) At(i int) (name string, values []string) {
	at := f.at(i)
	return at.name, at.values
}

//parley:inline
func (f *Fields) at(i int) *field {
	if i < len(f.few) {
		return &f.few[i]
	}
	return &f.more[i-len(f.few)]
}

// Has reports whether there is a field of that name, in whatever case.
func (f *Fields) Has(name string) bool { return f.find(name) != nil }

// Set has the field of that name, in whatever case, have one value. It writes to no
// values that there were.
func (f *Fields) Set(name, value string) {
	if found := f.find(name); found != nil {
		found.values = []string{value}
	} else {
		f.add(field{name, []string{value}})
	}
}

func (f *Fields) find(name string) *field {
	for i := range f.count {
		if at := f.at(i); sameName(at.name, name) {
			return at
		}
	}
	return nil
}

// sameName reports whether two names of fields are the same, which are written alike
// mostly.
//
//parley:inline
func sameName(a, b string) bool {
	return a == b || len(a) == len(b) && strings.EqualFold(a, b)
}
