// SPDX-License-Identifier: Apache-2.0

package hookcmd

import "context"

// Call is one hook command to be run.
type Call struct {
	Command string   // "relation-set"
	Args    []string // without the command's name

	// Stdin is what the command reads from standard input; nil if nothing.
	Stdin []byte

	// Data is the input of a command that takes a map of strings, before it is
	// encoded: what relation-set and state-set read from standard input, and
	// the content that secret-add and secret-set read from a file. Only an
	// [Answerer] looks at it. It can be secret, and does not belong to the
	// receiver: it must be neither kept nor changed.
	Data map[string]string
}

// Runner runs hook commands.
//
// Run returns what the command printed on standard output, which the caller may
// keep, or an *[Error] if the command cannot be run, exits with a code other
// than 0, or has not ended when ctx does; it may have run in that case. A Runner
// is safe for concurrent use.
type Runner interface {
	Run(ctx context.Context, call Call) (stdout []byte, err error)
}

// Answerer is a [Runner] that may know the answer of a command as a value, as
// a unit agent in the same process does. [Client] asks it first. It either sets
// *result and returns true, or changes nothing and returns false, upon which
// Client runs the command as text. The type of result is a pointer to what the
// method of Client returns: **string for one that returns whether there is a
// value, nil for one that returns only an error.
//
// An error, which is an *[Error], is the command's, whatever stands beside it.
// If *result is a map[string]string it stays the Answerer's, and nobody changes
// it; all else is the caller's.
//
// Client looks for this and the interfaces below by type assertion. A type that
// embeds a Runner to change what it does has only the methods it names.
type Answerer interface {
	Runner
	Answer(ctx context.Context, call Call, result any) (answered bool, err error)
}

// Batcher is a [Runner] that can run several reads for the price of one.
//
// RunBatch returns the output of each call, in the order of calls. If some fail
// it returns the error of the first of them, after all have ended.
type Batcher interface {
	Runner
	RunBatch(ctx context.Context, calls []Call) (stdouts [][]byte, err error)
}

// Closer is a [Runner] that holds a connection. The agent cannot end the
// dispatch before it is closed.
type Closer interface {
	Runner
	Close(ctx context.Context) error
}

// Poster is a [Runner] that can start a command without waiting for its end.
//
// Post returns when the command is on its way. All commands that follow wait
// for its end. Then, or when the Runner is closed, done is called once with the
// command's error; it must not use the Runner. If Post fails, done is not called.
type Poster interface {
	Runner
	Post(ctx context.Context, call Call, done func(error)) error
}
