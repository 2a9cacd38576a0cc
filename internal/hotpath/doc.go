// Package hotpath checks, in its test, that the compiler does with the functions of hot
// paths what they are marked with:
//
//	//parley:inline    calls of the function are inlined
//	//parley:noescape  nothing that the function makes is put on the heap
//
// A mark stands at the end of a function's comment. It is for functions that run for
// every request, message or delivery, where one more call or allocation would be felt
// and no benchmark of a busy machine would tell. Functions with a branch that may
// allocate, such as one that makes an error, have that branch in a function of its own,
// or no mark.
package hotpath
