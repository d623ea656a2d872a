// SPDX-License-Identifier: MIT
// idle.go - idle: resident bytes of a goroutine that waits on a channel of its own, N of them alive
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
)

func resident() int64 {
	var size, pages int64
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return 0
	}
	defer f.Close()
	fmt.Fscan(f, &size, &pages)
	return pages * int64(os.Getpagesize())
}

func main() {
	n := int64(1000000)
	if len(os.Args) > 1 {
		n, _ = strconv.ParseInt(os.Args[1], 10, 64)
	}
	in := make([]chan int64, n)
	for i := range in {
		in[i] = nil // touched before the first reading
	}
	var started sync.WaitGroup
	started.Add(int(n))
	goroutines := runtime.NumGoroutine()
	before := resident()
	for i := range in {
		c := make(chan int64)
		in[i] = c
		go func() {
			started.Done()
			for range c {
			}
		}()
	}
	started.Wait()
	after := resident()
	fmt.Printf("idle %.3f bytes %d\n", float64(after-before)/float64(n), runtime.NumGoroutine()-goroutines)
	runtime.KeepAlive(in)
}
