// SPDX-License-Identifier: Apache-2.0

package jujutext_test

import (
	"testing"

	"github.com/charmsmith/charmsmith/internal/jujutext"
)

func BenchmarkFormat(b *testing.B) {
	bag := map[string]string{
		"egress-subnets": "10.1.0.5/32", "ingress-address": "10.1.0.5", "private-address": "10.1.0.5", "ready": "true", "port": "8080",
	}
	for _, format := range []string{"json", "smart"} {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := jujutext.Format(format, bag); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	args := []string{"--format=json", "-r", "1", "-", "magpie/1"}
	b.ReportAllocs()
	for b.Loop() {
		flags := jujutext.NewFlags("relation-get", args)
		flags.Bool("app")
		flags.Func(func(string) error { return nil }, "r", "relation")
		flags.Output()
		if _, err := flags.Parse(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReadStrings(b *testing.B) {
	data := []byte(`{"egress-subnets":"10.1.0.5/32","ingress-address":"10.1.0.5","ready":"true"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jujutext.ReadStrings(data); err != nil {
			b.Fatal(err)
		}
	}
}
