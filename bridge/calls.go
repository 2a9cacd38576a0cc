package bridge

import "context"

// A call keeps the user's own function, not one that wraps it: its name is what
// [Bridge.Lanes] tells.

type pair[A, B any] struct {
	a A
	b B
}

type triple[A, B, C any] struct {
	a A
	b B
	c C
}

// call is a Future together with what produces its value: one allocation for a whole call.
type call[A, R any] struct {
	Future[R]
	fn  func(context.Context, A) (R, error)
	arg A
}

func (c *call[A, R]) execute() (err error) {
	c.value, err = c.fn(&c.job.position, c.arg)
	return err
}

func (c *call[A, R]) forget() {
	var none A
	c.fn, c.arg = nil, none
}

func (c *call[A, R]) function() any { return c.fn }

// call0 is a call without arguments.
type call0[R any] struct {
	Future[R]
	fn func(context.Context) (R, error)
}

func (c *call0[R]) execute() (err error) {
	c.value, err = c.fn(&c.job.position)
	return err
}

func (c *call0[R]) forget()       { c.fn = nil }
func (c *call0[R]) function() any { return c.fn }

// call2 is a call with two arguments.
type call2[A, B, R any] struct {
	Future[R]
	fn   func(context.Context, A, B) (R, error)
	args pair[A, B]
}

func (c *call2[A, B, R]) execute() (err error) {
	c.value, err = c.fn(&c.job.position, c.args.a, c.args.b)
	return err
}

func (c *call2[A, B, R]) forget() {
	var none pair[A, B]
	c.fn, c.args = nil, none
}

func (c *call2[A, B, R]) function() any { return c.fn }

// call3 is a call with three arguments.
type call3[A, B, C, R any] struct {
	Future[R]
	fn   func(context.Context, A, B, C) (R, error)
	args triple[A, B, C]
}

func (c *call3[A, B, C, R]) execute() (err error) {
	c.value, err = c.fn(&c.job.position, c.args.a, c.args.b, c.args.c)
	return err
}

func (c *call3[A, B, C, R]) forget() {
	var none triple[A, B, C]
	c.fn, c.args = nil, none
}

func (c *call3[A, B, C, R]) function() any { return c.fn }

// errCall is a Task together with what ends it.
type errCall[A any] struct {
	Task
	fn  func(context.Context, A) error
	arg A
}

func (c *errCall[A]) execute() error { return c.fn(&c.future.job.position, c.arg) }

func (c *errCall[A]) forget() {
	var none A
	c.fn, c.arg = nil, none
}

func (c *errCall[A]) function() any { return c.fn }

// errCall0 is an errCall without an argument.
type errCall0 struct {
	Task
	fn func(context.Context) error
}

func (c *errCall0) execute() error { return c.fn(&c.future.job.position) }
func (c *errCall0) forget()        { c.fn = nil }
func (c *errCall0) function() any  { return c.fn }
