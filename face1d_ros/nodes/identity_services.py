"""What the identity stage is asked for over ROS. No name, template or text of a consent is ever logged."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from face1d_ros.convert import to_message
from face1d_ros.errors import Face1dError, GalleryError, RequestRefusedError
from face1d_ros.graph import FORGET, IDENTIFY, LIST_SUBJECTS, REVOKE, VERIFY
from face1d_ros.nodes.identity_enrolling import EnrolmentServer
from face1d_ros.srv import ForgetSubject, IdentifySubject, ListSubjects, RevokeGallery, VerifySubject
from face1d_ros.stages.identity import IdentityStage

if TYPE_CHECKING:
    from face1d_ros.nodes.base import FaceNode

FAILED = "this failed inside the node; its log says why"
CONFIRMATION = "revoke"


class IdentityOffers:
    """Services and the action of one stage."""

    def __init__(self, node: FaceNode, stage: IdentityStage) -> None:
        self._node, self._stage = node, stage
        self._is_active = False
        self._enrolling = EnrolmentServer(node, stage)
        self._services = [
            node.create_service(kind, offer.name, callback)
            for kind, offer, callback in (
                (VerifySubject, VERIFY, self._verify),
                (IdentifySubject, IDENTIFY, self._identify),
                (ListSubjects, LIST_SUBJECTS, self._list),
                (ForgetSubject, FORGET, self._forget),
                (RevokeGallery, REVOKE, self._revoke),
            )
        ]

    def start(self) -> None:
        """Take requests."""
        self._is_active = self._enrolling.is_active = True
        self._remove_expired()

    def stop(self) -> None:
        """End all requests."""
        self._is_active = self._enrolling.is_active = False
        self._stage.reset()
        self._enrolling.settle()

    def close(self) -> None:
        """Leave the services and the action."""
        services, self._services = self._services, []
        for service in services:
            self._node.destroy_service(service)
        self._enrolling.close()

    def _verify(self, request: Any, response: Any) -> Any:
        def judge() -> None:
            self._need_active()
            self._remove_expired()
            response.track_id = self._stage.verify(request.subject, request.track_id, request.timeout_s)
            response.accepted = True

        return self._answer(response, judge)

    def _identify(self, request: Any, response: Any) -> Any:
        def judge() -> None:
            self._need_active()
            self._remove_expired()
            response.track_id = self._stage.identify(request.track_id, request.timeout_s)
            response.accepted = True

        return self._answer(response, judge)

    def _list(self, request: Any, response: Any) -> Any:
        self._remove_expired()
        try:
            response.subjects = [to_message(subject) for subject in self._stage.subjects()]
        except GalleryError as error:
            self._node.get_logger().error(f"the subjects cannot be listed: {error}")
        return response

    def _forget(self, request: Any, response: Any) -> Any:
        def forget() -> None:
            response.templates_removed = self._stage.forget(request.subject)
            response.success = True

        return self._answer(response, forget)

    def _revoke(self, request: Any, response: Any) -> Any:
        def revoke() -> None:
            if request.confirm != CONFIRMATION:
                raise RequestRefusedError("this removes everybody", f"write '{CONFIRMATION}' in `confirm`")
            response.subjects_revoked = self._stage.revoke()
            response.success = True

        return self._answer(response, revoke)

    def _answer(self, response: Any, work: Callable[[], None]) -> Any:
        """Whatever goes wrong is said in the message."""
        try:
            work()
        except Face1dError as error:
            response.message = str(error)
        except Exception:
            self._node.get_logger().error(f"a request failed: {traceback.format_exc()}")
            response.message = FAILED
        return response

    def _need_active(self) -> None:
        if not self._is_active:
            raise RequestRefusedError("the node is not active", "activate it")

    def _remove_expired(self) -> None:
        """By the node's time: nobody else removes them while it runs."""
        try:
            gone = self._stage.remove_expired(self._node.get_clock().now().nanoseconds)
        except GalleryError as error:
            self._node.get_logger().warning(f"expired subjects stay: {error}", throttle_duration_sec=60.0)
            return
        if gone:
            self._node.get_logger().info(f"{gone} expired subjects removed")
