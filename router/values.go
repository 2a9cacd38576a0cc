package router

import "slices"

// values are what the wildcards of a pattern have matched. The usual few need no
// memory of their own.
type values struct {
	count int
	few   [4]string
	more  []string
}

func (v *values) push(value string) {
	if v.count < len(v.few) {
		v.few[v.count] = value
	} else {
		v.more = append(v.more[:v.count-len(v.few)], value)
	}
	v.count++
}

//parley:inline
func (v *values) at(i int) string {
	if i < len(v.few) {
		return v.few[i]
	}
	return v.more[i-len(v.few)]
}

// first returns the first n values.
func (v *values) first(n int) []string {
	if n <= len(v.few) {
		return v.few[:n]
	}
	return append(slices.Clone(v.few[:]), v.more[:n-len(v.few)]...)
}
