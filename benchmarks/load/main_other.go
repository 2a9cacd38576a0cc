//go:build !unix

package main

import "fmt"

func main() { fmt.Println("load: only on unixes") }
