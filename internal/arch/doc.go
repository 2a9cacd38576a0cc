// Package arch holds the rules of the house as tests: which package may import
// which, what the module may depend on, that tests look for leaked goroutines,
// and how long a file may get. It has no code.
package arch
