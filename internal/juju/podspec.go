// SPDX-License-Identifier: Apache-2.0

package juju

func (h *Hook) checkPodSpec() error { return nil }

func (h *Hook) commitPodSpec() {}
