import { sessionOfMaster } from '../../../src/coordinator/pool/session-of-master.ts';
import { PlanRecord } from '../../../src/plan/plan-record.ts';
import { PlannedReplica } from '../../../src/plan/planned-replica.ts';
import { PlanningSession } from '../../../src/plan/planning-session.ts';
import type { ReplicaSession } from '../../../src/protocol/replica-session.ts';
import { EngineScene, inPlaceOf } from '../../lab/engine-scene.ts';
import { fakeSession } from '../../lab/fake-session.ts';
import { type OpenSession, sessionAnswers, sessionEnds, sessionWrites } from './session-contracts.ts';

/** A session with an empty sandbox, or what stands in front of it. */
async function withSandbox(
  through: (session: ReplicaSession, scene: EngineScene) => ReplicaSession = (session) => session,
): Promise<OpenSession> {
  const scene = await EngineScene.start();
  scene.through = (session) => through(session, scene);
  const { session } = await scene.context();
  return { session, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

const overTheWire = (): Promise<OpenSession> => withSandbox();

const inPlaceOfNothing = (): Promise<OpenSession> => withSandbox((session) => inPlaceOf(session, {}));

const ofTheMaster = (): Promise<OpenSession> =>
  withSandbox((session) => sessionOfMaster(session, { name: 'master', ending: async () => undefined }));

const planning = (): Promise<OpenSession> =>
  withSandbox((session, { master }) => {
    const owners = {
      ownerOf: (name: string) => master.ownerOf(name),
      inboxName: (userid: string) => master.inboxName(userid),
      isTombstone: () => false,
    };
    return new PlanningSession(session, {
      replica: new PlannedReplica(owners),
      record: new PlanRecord(),
      owners,
    });
  });

const ofTheCoordinator = async (): Promise<OpenSession> => ({
  session: fakeSession([]),
  async [Symbol.asyncDispose]() {},
});

sessionEnds('the session', overTheWire);
sessionAnswers('the session', overTheWire);
sessionWrites('the session', overTheWire);
sessionEnds('answers in place of a session', inPlaceOfNothing);
sessionAnswers('answers in place of a session', inPlaceOfNothing);
sessionWrites('answers in place of a session', inPlaceOfNothing);
sessionAnswers("the session of the master's own server", ofTheMaster);
sessionEnds('the session of a plan', planning);
sessionAnswers('the session of a plan', planning);
sessionEnds("the coordinator's fake", ofTheCoordinator);
