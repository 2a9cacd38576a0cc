package router

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"

	"github.com/parleygo/parley"
)

// Param returns the value that a router captured under name as a T: a string, a
// bool, an integer, a type made of one of these, or a type whose pointer is an
// encoding.TextUnmarshaler. Integers are decimal: "007" is 7. A value that is no
// T, or too large for it, is an error that wraps the one of strconv or of the
// type; any other T is one that is errors.ErrUnsupported. A name that nobody
// captured reads as the empty string.
//
// A constraint on the route, such as Int, keeps such values from reaching the
// app at all.
func Param[T any](scope *parley.Scope, name string) (T, error) {
	var value T
	if err := parse(scope.PathValue(name), &value); err != nil {
		var zero T
		return zero, fmt.Errorf("router: path value %q: %w", name, err)
	}
	return value, nil
}

// parse reads text into what target points to.
func parse(text string, target any) error {
	if target, ok := target.(encoding.TextUnmarshaler); ok {
		return target.UnmarshalText([]byte(text))
	}
	switch value := reflect.ValueOf(target).Elem(); value.Kind() {
	case reflect.String:
		value.SetString(text)
		return nil
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		value.SetBool(b)
		return err
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, value.Type().Bits())
		value.SetInt(n)
		return err
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		n, err := strconv.ParseUint(text, 10, value.Type().Bits())
		value.SetUint(n)
		return err
	default:
		return fmt.Errorf("cannot be read as %s: %w", value.Type(), errors.ErrUnsupported)
	}
}
