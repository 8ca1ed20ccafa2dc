// SPDX-License-Identifier: Apache-2.0

package juju

import "errors"

var errTODO = errors.New("not yet")

