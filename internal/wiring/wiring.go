// Package wiring refuses what is missing while a program is put together, before a
// client finds out.
package wiring

import "reflect"

// Need panics where value is not there, in the name of who needs what: "worker: New"
// and "app" make "worker: New of a nil app".
func Need(who, what string, value any) {
	if Missing(value) {
		panic(who + " of a nil " + what)
	}
}

// Missing reports whether value is nil, or a function that is.
func Missing(value any) bool {
	if value == nil {
		return true
	}
	v := reflect.ValueOf(value)
	return v.Kind() == reflect.Func && v.IsNil()
}
