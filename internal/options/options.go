// Package options reads numbers and durations of Options by the one rule of the
// kit, which the root package documents: zero is the default, negative is no
// limit where that makes sense, and what makes no sense panics at wiring, with the
// field's name.
package options

import (
	"fmt"
	"math"
	"time"
)

type number interface {
	int | int64 | time.Duration
}

// Limit returns what a bound of the field is: standard for zero, the largest
// value there is for a negative one, so that code below compares without asking
// whether there is a limit.
func Limit[T number](value, standard T) T {
	switch {
	case value == 0:
		return standard
	case value < 0:
		return unlimited[T]()
	}
	return value
}

// Limited reports whether Limit has returned a bound.
func Limited[T number](value T) bool { return value < unlimited[T]() }

// Positive returns value, or standard for zero. It panics for a negative value, in
// the name of field, such as "nethttp: Options.ReadAhead".
func Positive[T number](field string, value, standard T) T {
	if value < 0 {
		panic(fmt.Sprintf("%s: %v is negative", field, value))
	}
	if value == 0 {
		return standard
	}
	return value
}

func unlimited[T number]() T {
	var largest any = math.MaxInt
	switch any(T(0)).(type) {
	case int64:
		largest = int64(math.MaxInt64)
	case time.Duration:
		largest = time.Duration(math.MaxInt64)
	}
	return largest.(T)
}
