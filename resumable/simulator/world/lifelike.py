"""Invented conversations that an analyst believes: callers wait, give up, are answered, held, transferred.

Unlike the others, their metrics follow from what happens, by Genesys's definitions of metrics, and are told twice: in
the record, and as emissions for the aggregates. A crowded shape has longer waits; the hour decides which kind comes.
"""

import random
from dataclasses import dataclass, field
from typing import Final

from resumable.simulator.json_values import Json
from resumable.simulator.world.blanks import Emission, blank_id, blank_time
from resumable.simulator.world.demand import HOUR_MS
from resumable.simulator.world.names import FIRST_NAMES, LAST_NAMES, TOPICS, address_of, uuid_text
from resumable.simulator.world.organisation import SimOrganisation
from resumable.simulator.world.times import DAY_MS

SHORT_ABANDON_MS: Final = 10_000
SLA_MS: Final = {"voice": 20_000, "callback": 20_000, "chat": 60_000, "message": 120_000, "email": 4 * HOUR_MS}
"""How soon each queue is to answer."""
_MEDIA = ("voice",) * 14 + ("callback", "chat", "email", "message", "message")
_SLOW = {"email": 40, "message": 6, "chat": 3}
"""How many times longer than a call it waits and is worked on."""


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whose a session is: nobody's, a queue's, or an agent's for a queue."""

    queue: str | None = None
    user: str | None = None


_NOBODY = Holder()


@dataclass(kw_only=True)
class Lifelike:
    """Invents one conversation; `crowded` says how the queues are."""

    rng: random.Random
    organisation: SimOrganisation
    crowded: bool
    emissions: list[Emission] = field(default_factory=list)
    ongoing: bool = False
    end: int = 0
    """When the last of it is over, in milliseconds after its start."""
    _ids: int = 0
    _at: int = 0
    _media: str = "voice"
    _direction: str = "inbound"
    _participants: list[dict[str, Json]] = field(default_factory=list)

    def conversation(self) -> dict[str, Json]:
        """Invent it."""
        rng = self.rng
        self._media = rng.choice(_MEDIA)
        outbound = self._media == "voice" and rng.random() < 0.12
        self._direction = "outbound" if outbound else "inbound"
        customer = self._customer()
        if outbound:
            self._handled(Holder(queue=self._queue()), waited=None, onward=False)
        else:
            self._inbound()
        self.end = max(self.end, self._at)
        customer["sessions"][0]["segments"] = [self._segment("interact", 0, None if self.ongoing else self.end)]
        head: dict[str, Json] = {
            "conversationId": blank_id(0),
            "conversationStart": blank_time(0),
            "divisionIds": [rng.choice(self.organisation.division_ids)],
            "originatingDirection": self._direction,
        }
        head |= {} if self.ongoing else {"conversationEnd": blank_time(self.end)}
        return {**head, "participants": self._participants}

    def _customer(self) -> dict[str, Json]:
        rng = self.rng
        first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
        phone = f"tel:+49{rng.choice((30, 40, 69, 89))}{rng.randrange(10**7):07}"
        session = self._session()
        if self._media == "email":
            session |= {"addressFrom": address_of(first, last, rng.randrange(100)), "addressTo": "service@example.com"}
        else:
            session |= {"ani": phone, "dnis": "tel:+493055500", "remoteNameDisplayable": f"{first} {last}"}
        if self._media == "callback":
            ahead = rng.choice((0, rng.randint(HOUR_MS, 20 * DAY_MS)))  # it was asked for some days ahead ...
            self._at = 2 * ahead if ahead > 12 * DAY_MS else ahead  # ... or weeks
            session |= {"callbackNumbers": [phone], "callbackUserName": f"{first} {last}"}
            session |= {"callbackScheduledTime": blank_time(self._at)}
        session["metrics"] = [self._metric("nConnected", 1, _NOBODY)]
        attributes = {"customer name": f"{first} {last}", "topic": rng.choice(TOPICS), "score": str(rng.randrange(10))}
        return self._participant("customer", session, participantName=f"{first} {last}", attributes=attributes)

    def _inbound(self) -> None:
        rng = self.rng
        if self._media == "voice":
            took = rng.randint(4_000, 45_000)
            flow = {"flowId": uuid_text(rng.getrandbits(128)), "flowName": "Main menu", "flowType": "INBOUNDCALL"}
            segments = [self._segment("ivr", self._at, self._at + took)]
            self._at += took
            metrics = [self._metric("tIvr", took, _NOBODY)]
            self._participant("ivr", {**self._session(), "flow": flow, "segments": segments, "metrics": metrics})
            if rng.random() < 0.06:
                return  # it hung up in the menu, and no queue had it
        queue = self._queue()
        for stay in range(3):
            onward = stay < 2 and rng.random() < (0.16 if stay == 0 else 0.08)
            if not self._stay(Holder(queue=queue), onward=onward):
                break
            queue = rng.choice([each for each in self.organisation.queue_ids if each != queue] or [queue])

        if self._media == "message":
            self._written_again(queue)

    def _written_again(self, queue: str) -> None:
        """Let the customer come back to the thread, which stays open: days later, and once more after weeks."""
        for _ in range(self.rng.choice((0, 0, 1, 2))):
            if self.ongoing:
                return
            self._at = max(self._at, self.end) + self.rng.randint(DAY_MS, 16 * DAY_MS)
            self._stay(Holder(queue=queue), onward=False)

    def _stay(self, holder: Holder, *, onward: bool) -> bool:
        """Let it wait in a queue; tell whether it goes on to another."""
        rng = self.rng
        entered, wait = self._at, self._wait()
        patience = int(rng.expovariate(1 / (170_000 if self._media == "voice" else 4 * HOUR_MS)))
        flows_out = rng.random() < 0.02
        gives_up = patience < wait and not flows_out
        wait = max(600, patience) if gives_up else wait
        session = self._session()
        session["metrics"] = metrics = [self._metric("nOffered", 1, holder)]
        self._at = entered + wait
        names = ["tWait", "tAcd"]
        if gives_up:
            names += ["tAbandon", "tShortAbandon"] if wait < SHORT_ABANDON_MS else ["tAbandon"]
        elif flows_out:
            names += ["tFlowOut"]
        metrics += [self._metric(name, wait, holder) for name in names]
        why = "peer" if gives_up else "transfer"
        session["segments"] = [self._segment("interact", entered, self._at, holder, disconnectType=why)]
        self._participant("acd", session)
        if gives_up or flows_out:
            return flows_out
        if rng.random() < 0.07:
            self._ignored(holder, min(wait, 9_000))
        self._handled(holder, waited=wait, onward=onward)
        return onward and not self.ongoing

    def _wait(self) -> int:
        slow = _SLOW.get(self._media, 1)
        if self.rng.random() < (0.62 if self.crowded else 0.9):
            return int(self.rng.uniform(1_500, 18_000) * slow)
        return int(min(self.rng.expovariate(1 / (90_000 if self.crowded else 45_000)) + 20_001, 1_500_000) * slow)

    def _ignored(self, holder: Holder, took: int) -> None:
        """Let it ring at an agent who is not there, while the caller waits."""
        rung = Holder(queue=holder.queue, user=self.rng.choice(self.organisation.user_ids))
        session = self._session() | {"segments": [self._segment("alert", self._at - took, self._at, rung)]}
        session["metrics"] = [self._metric(name, took, rung) for name in ("tAlert", "tNotResponding")]
        self._participant("agent", session, userId=rung.user)

    def _handled(self, holder: Holder, *, waited: int | None, onward: bool) -> None:
        """Let an agent of a queue work on it; waited None: the agent called by themselves."""
        rng = self.rng
        agent = Holder(queue=holder.queue, user=rng.choice(self._agents(str(holder.queue))))
        session: dict[str, Json] = self._session()
        segments: list[dict[str, Json]] = []
        session["metrics"] = metrics = [self._metric("nConnected", 1, agent)]
        session["segments"] = segments
        self._participant("agent", session, userId=agent.user)
        dialled = 0
        if waited is not None:
            metrics.append(self._metric("tAnswered", waited, agent))
            metrics += [self._metric("nOverSla", 1, agent)] if waited > SLA_MS[self._media] else []
        else:
            dialled = rng.randint(3_000, 25_000)
            segments.append(self._segment("dialing", self._at, self._at + dialled, agent))
            self._at += dialled
            metrics += [self._metric("tDialing", dialled, agent), self._metric("nOutbound", 1, agent)]
        if rng.random() < 0.012:
            self.ongoing = True
            segments.append(self._segment("interact", self._at, None, agent))
            return
        handle = dialled + self._talk(agent, segments, metrics)
        hung_up = self._at
        if onward:
            kind = rng.choice(("nBlindTransferred", "nConsultTransferred"))
            metrics += [self._metric(name, 1, agent) for name in ("nTransferred", kind)]
        handle += self._wrap_up(agent, segments, metrics)
        metrics.append(self._metric("tHandle", handle, agent))
        self.end = max(self.end, self._at)
        if onward:
            self._at = hung_up  # the caller is in the next queue while the agent still writes

    def _talk(self, agent: Holder, segments: list[dict[str, Json]], metrics: list[dict[str, Json]]) -> int:
        rng, slow = self.rng, _SLOW.get(self._media, 1)
        pieces = [("interact", int(rng.lognormvariate(5.2, 0.6) * 1000 * slow) + 1)]
        if rng.random() < 0.24:
            pieces += [("hold", rng.randint(8_000, 150_000)), ("interact", rng.randint(5_000, 120_000))]
        times = {"interact": 0, "hold": 0}
        for kind, took in pieces:
            segments.append(self._segment(kind, self._at, self._at + took, agent))
            self._at, times[kind] = self._at + took, times[kind] + took
            metrics.append(self._metric("tTalk" if kind == "interact" else "tHeld", took, agent))
        metrics.append(self._metric("tTalkComplete", times["interact"], agent))
        if times["hold"]:
            metrics.append(self._metric("tHeldComplete", times["hold"], agent))
        return times["interact"] + times["hold"]

    def _wrap_up(self, agent: Holder, segments: list[dict[str, Json]], metrics: list[dict[str, Json]]) -> int:
        rng = self.rng
        if rng.random() < 0.15:
            return 0
        took = rng.randint(4_000, 90_000)
        note = f"{rng.choice(FIRST_NAMES)} {rng.choice(LAST_NAMES)} calls again"
        code = rng.choice(self.organisation.wrapup_code_ids)
        end = self._at + took
        segments.append(self._segment("wrapup", self._at, end, agent, wrapUpCode=code, wrapUpNote=note))
        self._at = end
        metrics.append(self._metric("tAcw", took, agent))
        return took

    def _queue(self) -> str:
        queues = self.organisation.queue_ids
        return queues[min(int(self.rng.expovariate(1 / 2.5)), len(queues) - 1)]

    def _agents(self, queue: str) -> list[str]:
        users, place = self.organisation.user_ids, self.organisation.queue_ids.index(queue)
        team = [user for number, user in enumerate(users) if number % 4 in (place % 4, (place + 1) % 4)]
        return team or list(users)

    def _participant(self, purpose: str, session: dict[str, Json], **more: Json) -> dict[str, Json]:
        made = {"participantId": self._next_id(), "purpose": purpose, **more, "sessions": [session]}
        self._participants.append(made)
        return made

    def _session(self) -> dict[str, Json]:
        provider = "Edge" if self._media in ("voice", "callback") else "PureCloud Messaging"
        named = {"mediaType": self._media, "direction": self._direction, "provider": provider}
        return {"sessionId": self._next_id(), **named}

    def _segment(
        self, kind: str, start: int, end: int | None, holder: Holder = _NOBODY, **more: Json
    ) -> dict[str, Json]:
        content: dict[str, Json] = {"segmentStart": blank_time(start), "segmentType": kind}
        content |= {} if end is None else {"segmentEnd": blank_time(end)}
        return content | ({"queueId": holder.queue} if holder.queue else {}) | more

    def _metric(self, name: str, value: int, holder: Holder) -> dict[str, Json]:
        """Return a metric of now for the record, and tell the aggregates."""
        told = Emission(
            at_ms=self._at,
            metric=name,
            value=value,
            queue_id=holder.queue,
            media=self._media,
            direction=self._direction,
            user_id=holder.user,
        )
        self.emissions.append(told)
        return {"emitDate": blank_time(self._at), "name": name, "value": value}

    def _next_id(self) -> str:
        self._ids += 1
        return blank_id(self._ids)
