// Package benchmarks measures what package server costs, each server a process of its
// own, over real sockets:
//
//	go test -run '^$' -bench BenchmarkServer -benchtime 3x ./...
//
// The command load below it measures the kit beside its peers; what it found on one
// machine stands in the README beside this file.
package benchmarks
